/* Calls answer EFAULT for addresses that the process could not use itself. */
#include "corpus.h"
#include <sys/uio.h>

int main(void)
{
    char *area = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(area + 4096, 4096);
    make_file("file", "0123456789");
    int fd = open("file", O_RDWR), ends[2];
    NEED(pipe(ends));
    SHOW(read(fd, (void *)8, 4));
    SHOW(write(fd, (void *)8, 4));
    SHOW(write(ends[1], (void *)8, 4));
    SHOW(write(fd, (void *)0xffffffff81000000, 4));
    SHOW(write(fd, (void *)0x8000000000000000, 4));
    SHOW(read(fd, area, -1UL));
    SHOW(pread(fd, area + 4096 - 4, 8, 0));
    SHOW(pwrite(fd, area + 4096 - 4, 8, 0));
    SHOW(open((char *)8, O_RDONLY));
    SHOW(stat("file", (struct stat *)8));
    SHOW(pipe((int *)8));
    SHOW(readv(fd, (struct iovec *)8, 2));
    SHOW(nanosleep((struct timespec *)8, NULL));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, 8L, 0L, 8L));
    memset(area + 4096 - 4, 'a', 4);
    SHOW(open(area + 4096 - 4, O_RDONLY));
    SHOW(getcwd((char *)8, 100) ? 0 : -1);
    mprotect(area, 4096, PROT_READ);
    SHOW(read(fd, area, 4));
    return 0;
}
