/* Paths: slashes, dots, links in the middle, the longest names, ELOOP after forty links. */
#include "corpus.h"

int main(void)
{
    char name[300], path[5000];
    mkdir("a", 0755);
    mkdir("a/b", 0755);
    make_file("a/b/file", "x");
    symlink("a", "to-a");
    symlink("b/../b/file", "a/to-file");
    SHOW(access("a//b///file", F_OK));
    SHOW(access("./a/./b/../b/file", F_OK));
    SHOW(access("to-a/b/file", F_OK));
    SHOW(access("to-a/../to-a/to-file", F_OK));
    SHOW(access("a/b/file/.", F_OK));
    SHOW(access("a/b/file/..", F_OK));
    SHOW(access("a/missing/..", F_OK));
    SHOW(access("to-a/", F_OK));
    SHOW(access("a/to-file/", F_OK));
    SHOW(access("/../../tmp", F_OK));
    SHOW(access("//tmp", F_OK));
    memset(name, 'n', sizeof name);
    name[255] = 0;
    SHOW(mkdir(name, 0755));
    SHOW(rmdir(name));
    name[255] = 'n';
    name[256] = 0;
    errno = 0;
    printf("256 bytes: %s\n", open(name, O_RDONLY | O_CREAT, 0644) == -1 ? errno_name(errno) : "works");
    memset(path, '/', sizeof path);
    path[4095] = 0;
    printf("4095 slashes: %s\n", access(path, F_OK) ? errno_name(errno) : "works");
    path[4095] = '/';
    path[4096] = 0;
    printf("4096 slashes: %s\n", access(path, F_OK) ? errno_name(errno) : "works");
    make_file("l0", "end");
    for (int i = 1; i <= 41; i++) {
        char from[8], to[8];
        snprintf(from, sizeof from, "l%d", i);
        snprintf(to, sizeof to, "l%d", i - 1);
        symlink(to, from);
    }
    SHOW(access("l40", F_OK));
    SHOW(access("l41", F_OK));
    return 0;
}
