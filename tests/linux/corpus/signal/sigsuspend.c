/* sigsuspend waits with another mask, and the old one is back afterwards. */
#include "corpus.h"

static void handler(int number)
{
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("handler of %s: SIGUSR1 blocked %d, SIGUSR2 blocked %d\n", signal_name(number), sigismember(&now, SIGUSR1),
        sigismember(&now, SIGUSR2));
}

int main(void)
{
    sigset_t both, only, now;
    signal(SIGUSR1, handler);
    signal(SIGUSR2, handler);
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGUSR2);
    sigprocmask(SIG_BLOCK, &both, NULL);
    raise(SIGUSR1);
    raise(SIGUSR2);
    sigemptyset(&only);
    sigaddset(&only, SIGUSR1);
    SHOW(sigsuspend(&only));
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("after: %d %d\n", sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2));
    sigemptyset(&only);
    SHOW(sigsuspend(&only));
    sigpending(&now);
    printf("pending: %d %d\n", sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2));
    return 0;
}
