/* chdir, getcwd, and a working directory that somebody removes. */
#include "corpus.h"
#include <dirent.h>

int main(void)
{
    char here[4096], start[4096];
    struct stat is;
    getcwd(start, sizeof start);
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    symlink("d/e", "link");
    make_file("file", "x");
    SHOW(chdir("link"));
    getcwd(here, sizeof here);
    printf("%s\n", here + strlen(start));
    SHOW(chdir("file"));
    SHOW(chdir(""));
    SHOW(syscall(SYS_getcwd, here, 3L));
    TRUE_OR_NOT(syscall(SYS_getcwd, here, 4096L) == (long)strlen(here) + 1);
    SHOW(rename("../../d", "../../f"));
    getcwd(here, sizeof here);
    printf("%s\n", here + strlen(start));
    SHOW(rmdir("../e"));
    SHOW(getcwd(here, sizeof here) ? 0 : -1);
    SHOW(open("x", O_WRONLY | O_CREAT, 0644));
    SHOW(mkdir("x", 0755));
    SHOW(stat(".", &is));
    SHOW(access("..", F_OK));
    SHOW(chdir(".."));
    SHOW(getcwd(here, sizeof here) ? 0 : -1);
    printf("%s\n", here + strlen(start));
    IN_CHILD("a child's is its own")
        chdir("/");
    getcwd(here, sizeof here);
    printf("%s\n", here + strlen(start));
    return 0;
}
