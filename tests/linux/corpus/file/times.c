/* utimensat: set, now, omitted, of links; reads and writes that change times. */
#include "corpus.h"

static void times(const char *path)
{
    struct stat is;
    lstat(path, &is);
    printf("%s: accessed %ld.%09ld, modified %ld.%09ld\n", path, (long)is.st_atim.tv_sec, is.st_atim.tv_nsec,
        (long)is.st_mtim.tv_sec, is.st_mtim.tv_nsec);
}

int main(void)
{
    struct timespec set[2] = { { 1000, 5 }, { 2000, 999999999 } };
    make_file("file", "x");
    symlink("file", "link");
    SHOW(utimensat(AT_FDCWD, "file", set, 0));
    times("file");
    set[0].tv_nsec = UTIME_OMIT;
    set[1] = (struct timespec){ 3000, 0 };
    SHOW(utimensat(AT_FDCWD, "file", set, 0));
    times("file");
    set[0] = (struct timespec){ -5, 0 };
    SHOW(utimensat(AT_FDCWD, "link", set, AT_SYMLINK_NOFOLLOW));
    times("link");
    set[0].tv_nsec = 1000000000;
    SHOW(utimensat(AT_FDCWD, "file", set, 0));
    set[0].tv_nsec = 0;
    SHOW(utimensat(AT_FDCWD, "missing", set, 0));
    int fd = open("file", O_RDWR);
    SHOW(futimens(fd, set));
    times("file");
    struct stat before, after;
    fstat(fd, &before);
    write(fd, "y", 1);
    fstat(fd, &after);
    TRUE_OR_NOT(after.st_mtim.tv_sec > before.st_mtim.tv_sec);
    TRUE_OR_NOT(after.st_ctim.tv_sec >= before.st_ctim.tv_sec);
    struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
    SHOW(utimensat(AT_FDCWD, "file", now, 0));
    fstat(fd, &after);
    TRUE_OR_NOT(after.st_atim.tv_sec > 100000);
    IN_CHILD("another user") {
        setuid(1000);
        SHOW(utimensat(AT_FDCWD, "file", set, 0));
        SHOW(utimensat(AT_FDCWD, "file", NULL, 0));
    }
    return 0;
}
