/* Blocked signals wait; unblocked together they come lowest first, each once, real-time ones as often as sent and in order. */
#include "corpus.h"

static void handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    printf("%s, code %s, value %d\n", signal_name(number), info->si_code == SI_QUEUE ? "SI_QUEUE" : info->si_code == SI_USER
        ? "SI_USER" : info->si_code == SI_TKILL ? "SI_TKILL" : "other", info->si_code == SI_QUEUE ? info->si_value.sival_int : 0);
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigset_t all, pending, old;
    sigfillset(&action.sa_mask);
    sigfillset(&all);
    int numbers[] = { SIGTERM, SIGUSR2, SIGHUP, SIGUSR1, SIGRTMIN + 2, SIGRTMIN + 1 };
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
    sigprocmask(SIG_SETMASK, &all, &old);
    for (unsigned i = 0; i < 4; i++) {
        kill(getpid(), numbers[i]);
        kill(getpid(), numbers[i]);
    }
    for (int i = 0; i < 3; i++) {
        SHOW(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){ .sival_int = 10 + i }));
        SHOW(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 20 + i }));
    }
    kill(getpid(), SIGRTMIN + 1);
    sigpending(&pending);
    for (int i = 1; i < 64; i++)
        if (sigismember(&pending, i) == 1)
            printf("pending %s\n", signal_name(i));
    sigprocmask(SIG_SETMASK, &old, NULL);
    sigpending(&pending);
    printf("pending after: %d\n", sigismember(&pending, SIGUSR1));
    return 0;
}
