/* O_PATH: names a file without opening it. */
#include "corpus.h"

int main(void)
{
    struct stat is;
    char byte;
    make_file("file", "content");
    symlink("file", "link");
    mkdir("dir", 0755);
    make_file("dir/in", "inside");
    int fd = (int)NEED(open("file", O_PATH));
    SHOW(read(fd, &byte, 1));
    SHOW(write(fd, &byte, 1));
    SHOW(fchmod(fd, 0600));
    SHOW(ftruncate(fd, 0));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(fstat(fd, &is));
    printf("size %ld\n", (long)is.st_size);
    SHOW((fcntl(fd, F_GETFL) & O_PATH) != 0);
    int link = (int)NEED(open("link", O_PATH | O_NOFOLLOW));
    SHOW(fstat(link, &is));
    TRUE_OR_NOT(S_ISLNK(is.st_mode));
    char target[20];
    SHOW(readlinkat(link, "", target, sizeof target));
    int dir = (int)NEED(open("dir", O_PATH));
    int in = openat(dir, "in", O_RDONLY);
    SHOW(read(in, target, sizeof target));
    SHOW(openat(fd, "in", O_RDONLY));
    SHOW(fchdir(dir));
    SHOW(access("in", R_OK));
    SHOW(fstatat(fd, "", &is, AT_EMPTY_PATH));
    SHOW(fstatat(fd, "", &is, 0));
    return 0;
}
