/* The calls that start from a descriptor: directories, files, wrong ones, absolute paths. */
#include "corpus.h"

int main(void)
{
    struct stat is;
    mkdir("d", 0755);
    make_file("plain", "x");
    int dir = open("d", O_RDONLY), file = open("plain", O_RDONLY);
    SHOW(mkdirat(dir, "sub", 0755));
    WORKS(openat(dir, "file", O_WRONLY | O_CREAT, 0644));
    SHOW(openat(file, "x", O_RDONLY));
    SHOW(openat(99, "x", O_RDONLY));
    WORKS(openat(99, "/tmp", O_RDONLY));
    SHOW(openat(file, "", O_RDONLY));
    SHOW(fstatat(dir, "file", &is, 0));
    SHOW(fstatat(dir, "", &is, AT_EMPTY_PATH));
    TRUE_OR_NOT(S_ISDIR(is.st_mode));
    SHOW(fstatat(AT_FDCWD, "", &is, AT_EMPTY_PATH));
    SHOW(fstatat(dir, "file", &is, 0x8000000));
    SHOW(faccessat(dir, "file", R_OK, 0));
    SHOW(fchmodat(dir, "file", 0600, 0));
    SHOW(symlinkat("file", dir, "link"));
    char target[10];
    SHOW(readlinkat(dir, "link", target, sizeof target));
    SHOW(linkat(dir, "file", AT_FDCWD, "outside", 0));
    SHOW(renameat(dir, "file", AT_FDCWD, "moved"));
    SHOW(unlinkat(dir, "sub", 0));
    SHOW(unlinkat(dir, "link", AT_REMOVEDIR));
    SHOW(unlinkat(dir, "sub", AT_REMOVEDIR));
    SHOW(unlinkat(dir, "link", 0));
    SHOW(unlinkat(dir, "link", 0x1));
    SHOW(fchdir(dir));
    SHOW(access("../moved", F_OK));
    SHOW(fchdir(file));
    rmdir("../d");
    SHOW(openat(dir, "x", O_WRONLY | O_CREAT, 0644));
    SHOW(fstatat(dir, ".", &is, 0));
    printf("links %d\n", (int)is.st_nlink);
    return 0;
}
