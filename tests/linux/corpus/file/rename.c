/* rename: over files, over directories, onto itself, into its own. */
#include "corpus.h"

int main(void)
{
    struct stat one, two;
    make_file("a", "A");
    make_file("b", "B");
    mkdir("d", 0755);
    mkdir("e", 0755);
    make_file("e/full", "x");
    SHOW(rename("a", "b"));
    show_file("b");
    SHOW(access("a", F_OK));
    SHOW(rename("b", "b"));
    SHOW(link("b", "c"));
    SHOW(rename("b", "c"));
    SHOW(access("b", F_OK));
    SHOW(rename("missing", "x"));
    SHOW(rename("b", "d"));
    SHOW(rename("d", "b"));
    SHOW(rename("d", "e"));
    SHOW(rename("e", "d"));
    SHOW(rename("d", "d/sub"));
    SHOW(rename("d/full", "missing/x"));
    SHOW(rename("b/x", "y"));
    SHOW(rename(".", "x"));
    SHOW(rename("d/..", "x"));
    SHOW(rename("b", "."));
    SHOW(rename("/", "/x"));
    stat("d/full", &one);
    SHOW(rename("d/full", "moved"));
    stat("moved", &two);
    TRUE_OR_NOT(one.st_ino == two.st_ino);
    symlink("moved", "link");
    SHOW(rename("link", "link2"));
    lstat("link2", &one);
    TRUE_OR_NOT(S_ISLNK(one.st_mode));
    SHOW(rename("b", "link2"));
    lstat("link2", &one);
    TRUE_OR_NOT(S_ISREG(one.st_mode));
    show_file("moved");
    int fd = open("moved", O_RDONLY);
    make_file("new", "new");
    SHOW(rename("new", "moved"));
    char byte;
    SHOW(read(fd, &byte, 1));
    printf("%c\n", byte);
    return 0;
}
