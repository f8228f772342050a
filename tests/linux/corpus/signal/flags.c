/* SA_NODEFER, SA_RESETHAND, sa_mask, and what sigaction gives back. */
#include "corpus.h"

static int depth, nested;

static void handler(int number)
{
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("depth %d: %s blocked %d, SIGUSR2 blocked %d\n", ++depth, signal_name(number), sigismember(&now, number),
        sigismember(&now, SIGUSR2));
    if (nested-- > 0)
        raise(number);
    printf("depth %d ends\n", depth--);
}

int main(void)
{
    struct sigaction action = { .sa_handler = handler }, old;
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    nested = 1;
    raise(SIGUSR1);
    action.sa_flags = SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, &old);
    printf("before: flags %s, SIGUSR2 in mask %d\n", old.sa_flags & SA_NODEFER ? "SA_NODEFER" : "none", sigismember(&old.sa_mask, SIGUSR2));
    nested = 1;
    raise(SIGUSR1);
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGUSR1, &action, NULL);
    nested = 0;
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &old);
    TRUE_OR_NOT(old.sa_handler == SIG_DFL);
    TRUE_OR_NOT((old.sa_flags & SA_RESETHAND) != 0);
    SHOW(sigaction(SIGKILL, &action, NULL));
    SHOW(sigaction(SIGSTOP, &action, NULL));
    SHOW(sigaction(SIGKILL, NULL, &old));
    SHOW(sigaction(65, &action, NULL));
    SHOW(sigaction(0, &action, NULL));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4L));
    return 0;
}
