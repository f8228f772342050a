/* eventfd: sums, semaphores, the largest value, errors. */
#include "corpus.h"
#include <poll.h>
#include <sys/eventfd.h>

int main(void)
{
    uint64_t value = 3;
    int fd = (int)NEED(eventfd(2, EFD_NONBLOCK)), semaphore = (int)NEED(eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE | EFD_CLOEXEC));
    struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT };
    SHOW(write(fd, &value, 8));
    SHOW(read(fd, &value, 8));
    printf("%llu\n", (unsigned long long)value);
    SHOW(read(fd, &value, 8));
    SHOW(poll(&one, 1, 0));
    printf("revents %d\n", one.revents);
    SHOW(read(semaphore, &value, 8));
    printf("%llu\n", (unsigned long long)value);
    SHOW(read(semaphore, &value, 8));
    SHOW(read(semaphore, &value, 8));
    SHOW(read(fd, &value, 7));
    SHOW(write(fd, &value, 7));
    value = UINT64_MAX;
    SHOW(write(fd, &value, 8));
    value = UINT64_MAX - 1;
    SHOW(write(fd, &value, 8));
    SHOW(poll(&one, 1, 0));
    printf("revents %d\n", one.revents);
    value = 1;
    SHOW(write(fd, &value, 8));
    SHOW(eventfd(0, 0x100));
    SHOW(lseek(fd, 0, SEEK_SET));
    int waits = eventfd(0, 0);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(20);
        write(waits, &value, 8);
        _exit(0);
    }
    SHOW(read(waits, &value, 8));
    show_end("child", child);
    return 0;
}
