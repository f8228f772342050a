/* ppoll changes the mask while it waits, and only then. */
#include "corpus.h"
#include <poll.h>

static void handler(int number)
{
    printf("%s\n", signal_name(number));
}

int main(void)
{
    sigset_t set, empty, now;
    struct timespec second = { 1, 0 }, wrong = { 0, 1000000000 }, none = { 0, 0 };
    signal(SIGUSR1, handler);
    sigemptyset(&empty);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    SHOW(ppoll(NULL, 0, &none, NULL));
    SHOW(ppoll(NULL, 0, &second, &empty));
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("blocked again: %d\n", sigismember(&now, SIGUSR1));
    SHOW(ppoll(NULL, 0, &wrong, NULL));
    SHOW(syscall(SYS_ppoll, NULL, 0, &none, &empty, 4L));
    int ends[2];
    pipe(ends);
    struct pollfd both[2] = { { ends[0], POLLIN, 0 }, { ends[1], POLLOUT, 0 } };
    raise(SIGUSR1);
    SHOW(ppoll(both, 2, &second, &empty));
    sigpending(&now);
    printf("pending: %d\n", sigismember(&now, SIGUSR1));
    return 0;
}
