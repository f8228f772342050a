/* signalfd: reads pending signals as records, polls, follows a change of its mask. */
#include "corpus.h"
#include <poll.h>
#include <sys/signalfd.h>

int main(void)
{
    sigset_t set;
    struct signalfd_siginfo info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigdelset(&set, SIGUSR2);
    int fd = (int)NEED(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    struct pollfd poll_for = { .fd = fd, .events = POLLIN };
    SHOW(read(fd, &info, sizeof info));
    SHOW(poll(&poll_for, 1, 0));
    kill(getpid(), SIGUSR2);
    SHOW(poll(&poll_for, 1, 0));
    sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 9 });
    SHOW(poll(&poll_for, 1, 0));
    SHOW(read(fd, &info, 10));
    SHOW(read(fd, &info, sizeof info));
    printf("%s, value %d, from me: %s\n", signal_name((int)info.ssi_signo), info.ssi_int, (pid_t)info.ssi_pid == getpid() ? "yes" : "no");
    sigaddset(&set, SIGUSR2);
    SHOW(signalfd(fd, &set, 0) == fd);
    SHOW(read(fd, &info, sizeof info));
    printf("%s\n", signal_name((int)info.ssi_signo));
    SHOW(write(fd, "x", 1));
    SHOW(signalfd(1, &set, 0));
    SHOW(signalfd(-1, &set, 77));
    SHOW(signalfd(99, &set, 0));
    return 0;
}
