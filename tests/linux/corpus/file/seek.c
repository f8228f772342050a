/* lseek in all its ways, beyond the end, before the beginning, where there is no position. */
#include "corpus.h"

int main(void)
{
    int ends[2];
    char bytes[8];
    make_file("file", "0123456789");
    int fd = open("file", O_RDWR);
    SHOW(lseek(fd, 3, SEEK_SET));
    SHOW(lseek(fd, 3, SEEK_CUR));
    SHOW(lseek(fd, -1, SEEK_END));
    SHOW(lseek(fd, -11, SEEK_END));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, 0, 77));
    SHOW(lseek(99, 0, SEEK_SET));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 100, SEEK_SET));
    SHOW(read(fd, bytes, 4));
    SHOW(write(fd, "x", 1));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(pread(fd, bytes, 4, 96));
    printf("%d %d %d %d\n", bytes[0], bytes[1], bytes[2], bytes[3]);
    SHOW(pread(fd, bytes, 4, -1));
    SHOW(pwrite(fd, bytes, 4, -1));
    SHOW(lseek(fd, 0x7fffffffffffffff, SEEK_SET));
    SHOW(lseek(fd, 1, SEEK_CUR));
    pipe(ends);
    SHOW(lseek(ends[0], 0, SEEK_CUR));
    SHOW(pread(ends[0], bytes, 1, 0));
    return 0;
}
