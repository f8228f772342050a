/* FIFOs: who waits for whom, what O_NONBLOCK changes, and the errors. */
#include "corpus.h"

int main(void)
{
    char bytes[8];
    SHOW(mkfifo("fifo", 0644));
    SHOW(mkfifo("fifo", 0644));
    SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
    int reads = (int)SHOW(open("fifo", O_RDONLY | O_NONBLOCK));
    SHOW(read(reads, bytes, 8));
    int writes = (int)SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
    SHOW(read(reads, bytes, 8));
    SHOW(write(writes, "abc", 3));
    SHOW(read(reads, bytes, 8));
    close(writes);
    SHOW(read(reads, bytes, 8));
    close(reads);
    pid_t child = fork();
    if (child == 0) {
        int fd = open("fifo", O_WRONLY);
        write(fd, "from the child", 14);
        _exit(0);
    }
    reads = open("fifo", O_RDONLY);
    SHOW(read(reads, bytes, 8));
    SHOW(read(reads, bytes, 8));
    SHOW(read(reads, bytes, 8));
    show_end("child", child);
    int both = (int)SHOW(open("fifo", O_RDWR));
    SHOW(write(both, "x", 1));
    SHOW(read(both, bytes, 1));
    SHOW(lseek(both, 0, SEEK_SET));
    return 0;
}
