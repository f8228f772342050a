/* sigqueue and rt_sigqueueinfo: errors, and who may pretend what. */
#include "corpus.h"
#include <sys/resource.h>

int main(void)
{
    union sigval value = { .sival_int = 1 };
    siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_USER };
    SHOW(sigqueue(999999, SIGUSR1, value));
    SHOW(sigqueue(getpid(), 65, value));
    SHOW(sigqueue(getpid(), 0, value));
    SHOW(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info));
    signal(SIGUSR1, SIG_IGN);
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info));
    IN_CHILD("with a limit") {
        struct rlimit limit = { 3, 3 };
        sigset_t set;
        sigfillset(&set);
        sigprocmask(SIG_BLOCK, &set, NULL);
        setrlimit(RLIMIT_SIGPENDING, &limit);
        setuid(1000);
        for (int i = 0; i < 5; i++)
            SHOW(sigqueue(getpid(), SIGRTMIN, value));
        SHOW(kill(getpid(), SIGTERM));
    }
    return 0;
}
