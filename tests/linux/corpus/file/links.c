/* link, symlink, readlink: counts, targets, errors. */
#include "corpus.h"

int main(void)
{
    struct stat is;
    char target[64];
    make_file("file", "content");
    mkdir("dir", 0755);
    SHOW(link("file", "second"));
    stat("file", &is);
    printf("links %d\n", (int)is.st_nlink);
    SHOW(link("file", "second"));
    SHOW(link("dir", "other"));
    SHOW(link("missing", "other"));
    SHOW(link("file", "missing/other"));
    SHOW(link("file", "file/other"));
    SHOW(link("file", "new/"));
    SHOW(symlink("second", "symbolic"));
    SHOW(link("symbolic", "hard-to-symbolic"));
    lstat("hard-to-symbolic", &is);
    TRUE_OR_NOT(S_ISLNK(is.st_mode));
    SHOW(linkat(AT_FDCWD, "symbolic", AT_FDCWD, "hard-to-file", AT_SYMLINK_FOLLOW));
    lstat("hard-to-file", &is);
    printf("regular %d, links %d\n", S_ISREG(is.st_mode), (int)is.st_nlink);
    SHOW(symlink("x", "symbolic"));
    SHOW(symlink("", "empty"));
    SHOW(symlink("x", ""));
    SHOW(symlink("x", "missing/x"));
    SHOW(readlink("symbolic", target, sizeof target));
    SHOW(readlink("symbolic", target, 3));
    SHOW(readlink("symbolic", target, 0));
    SHOW(readlink("file", target, sizeof target));
    SHOW(readlink("missing", target, sizeof target));
    lstat("symbolic", &is);
    printf("size of the link %ld, mode %o\n", (long)is.st_size, is.st_mode);
    SHOW(unlink("file"));
    stat("second", &is);
    printf("links %d\n", (int)is.st_nlink);
    return 0;
}
