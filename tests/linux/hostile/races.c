/* One thread takes away and changes the memory that the other makes system calls on. */
#include "hostile.h"
#include <dirent.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>

enum { BYTES = 4 * 4096 };
static char *area;
static volatile int over;

static void *spoiler(void *nothing)
{
    for (unsigned i = 0; !over; i++) {
        char *at = area + (i % 4) * 4096;
        switch (i % 6) {
        case 0: munmap(at, 4096); break;
        case 1: mprotect(at, 4096, PROT_READ); break;
        case 2: mprotect(at, 4096, PROT_NONE); break;
        case 3: mmap(at, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); break;
        case 4: madvise(area, BYTES, MADV_DONTNEED); break;
        case 5: mmap(area, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); break;
        }
        if (i % 3 == 0)
            sched_yield();
    }
    return nothing;
}

static void child(void)
{
    int ends[2], zero = open("/dev/zero", O_RDONLY), directory = open("/proc", O_RDONLY), file = open("/tmp/raced", O_CREAT | O_RDWR, 0600);
    pthread_t thread;
    pipe(ends);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    area = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_create(&thread, NULL, spoiler, NULL);
    for (unsigned i = 0; i < 400; i++) {
        struct iovec pieces[2] = { { area + 100, 6000 }, { area + 9000, 5000 } };
        struct timespec little = { 0, 10000 };
        read(zero, area, BYTES);
        write(ends[1], area + 17, BYTES - 20);
        readv(ends[0], pieces, 2);
        pwritev(file, pieces, 2, 0);
        pread(file, area, BYTES, 0);
        lseek(directory, 0, SEEK_SET);
        syscall(SYS_getdents64, directory, area, BYTES);
        syscall(SYS_futex, area, FUTEX_WAIT, 0, &little, NULL, 0);
        poll((struct pollfd *)area, 4, 0);
        sigaltstack((stack_t *)area, (stack_t *)(area + 4096));
        syscall(SYS_readlink, "/proc/self/exe", area, 4096);
        syscall(SYS_openat, AT_FDCWD, area, 0, 0);
    }
    over = 1;
    pthread_join(thread, NULL);
    _exit(0);
}

/* The bytes to write are those of the file that is written, and those to read go there. */
static void onto_itself(void)
{
    int fd = open("/tmp/itself", O_CREAT | O_TRUNC | O_RDWR, 0600);
    ftruncate(fd, 3 * 4096);
    char *map = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pwrite(fd, map + 4096, 4096, 0) != 4096 || pread(fd, map + 8192, 4096, 100) != 4096)
        broken("a file onto itself");
    memcpy(map, known, KNOWN);
    if (pwrite(fd, map, KNOWN, 50) != KNOWN || ftruncate(fd, 100) != 0)
        broken("a file onto itself, shifted");
    if (pwrite(fd, map + 8192, 4096, 0) != -1 || errno != EFAULT)
        broken("a file from behind its end");
    munmap(map, 3 * 4096);
    close(fd);
}

int main(void)
{
    begin();
    onto_itself();
    for (unsigned i = 0; i < 6; i++) {
        pid_t pid = fork();
        if (pid == 0)
            child();
        take_back(pid, 8000);
        audit();
    }
    finish("races");
}
