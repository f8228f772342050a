/* A file with holes: zeros, blocks, SEEK_DATA and SEEK_HOLE. */
#include "corpus.h"

int main(void)
{
    struct stat is;
    char byte = 'x';
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    SHOW(pwrite(fd, "a", 1, 0));
    SHOW(pwrite(fd, "b", 1, 64 * 4096));
    fstat(fd, &is);
    printf("size %ld, blocks %ld\n", (long)is.st_size, (long)is.st_blocks);
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(lseek(fd, 0, SEEK_HOLE));
    SHOW(lseek(fd, 4096, SEEK_DATA));
    SHOW(lseek(fd, 64 * 4096, SEEK_HOLE));
    SHOW(lseek(fd, 64 * 4096 + 1, SEEK_DATA));
    SHOW(lseek(fd, -1, SEEK_DATA));
    SHOW(pread(fd, &byte, 1, 10000));
    printf("%d\n", byte);
    SHOW(ftruncate(fd, 1 << 30));
    SHOW(lseek(fd, 64 * 4096 + 1, SEEK_DATA));
    SHOW(lseek(fd, 0, SEEK_END));
    return 0;
}
