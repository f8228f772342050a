/* Reading what is open for writing only, and the other way; zero bytes; directories. */
#include "corpus.h"

int main(void)
{
    char bytes[4];
    make_file("file", "abc");
    int reads = open("file", O_RDONLY), writes = open("file", O_WRONLY), dir = open(".", O_RDONLY);
    SHOW(write(reads, "x", 1));
    SHOW(read(writes, bytes, 1));
    SHOW(write(reads, "x", 0));
    SHOW(read(writes, bytes, 0));
    SHOW(read(reads, bytes, 0));
    SHOW(read(reads, bytes, 4));
    SHOW(read(reads, bytes, 4));
    SHOW(read(dir, bytes, 4));
    SHOW(write(dir, bytes, 4));
    SHOW(read(99, bytes, 4));
    SHOW(read(-1, bytes, 4));
    SHOW(pread(writes, bytes, 1, 0));
    SHOW(pwrite(reads, bytes, 1, 0));
    SHOW(fsync(reads));
    SHOW(fdatasync(99));
    SHOW(fallocate(writes, 0, 0, 100));
    SHOW(lseek(writes, 0, SEEK_END));
    SHOW(fallocate(writes, FALLOC_FL_KEEP_SIZE, 0, 1000));
    SHOW(lseek(writes, 0, SEEK_END));
    SHOW(fallocate(writes, 0, 0, 0));
    SHOW(fallocate(reads, 0, 0, 10));
    return 0;
}
