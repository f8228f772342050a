/* sigprocmask: how it combines, what cannot be blocked, errors. */
#include "corpus.h"

static void show(const char *when)
{
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("%s:", when);
    for (int i = 1; i < 32; i++)
        if (sigismember(&now, i) == 1)
            printf(" %s", signal_name(i));
    printf("\n");
}

int main(void)
{
    sigset_t set;
    show("at first");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGKILL);
    sigaddset(&set, SIGSTOP);
    SHOW(sigprocmask(SIG_BLOCK, &set, NULL));
    show("blocked");
    sigaddset(&set, SIGHUP);
    sigdelset(&set, SIGUSR1);
    SHOW(sigprocmask(SIG_BLOCK, &set, NULL));
    show("more");
    SHOW(sigprocmask(SIG_UNBLOCK, &set, NULL));
    show("less");
    SHOW(sigprocmask(SIG_SETMASK, &set, NULL));
    show("set");
    IN_CHILD("child")
        show("child");
    SHOW(sigprocmask(9, &set, NULL));
    SHOW(sigprocmask(9, NULL, &set));
    SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4L));
    SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8L, NULL, 8L));
    raise(SIGHUP);
    IN_CHILD("pending is not inherited") {
        sigpending(&set);
        printf("SIGHUP pending %d\n", sigismember(&set, SIGHUP));
    }
    return 0;
}
