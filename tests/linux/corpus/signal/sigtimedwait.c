/* sigtimedwait and sigwaitinfo take a signal without a handler; they time out and are interrupted. */
#include "corpus.h"

static void handler(int number)
{
    printf("handler: %s\n", signal_name(number));
}

int main(void)
{
    sigset_t set;
    siginfo_t info;
    struct timespec none = { 0, 0 }, little = { 0, 30000000 }, wrong = { 0, -1 };
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(sigtimedwait(&set, &info, &none));
    SHOW(sigtimedwait(&set, &info, &little));
    SHOW(sigtimedwait(&set, &info, &wrong));
    sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 5 });
    sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 6 });
    printf("%s", signal_name(sigtimedwait(&set, &info, &none)));
    printf(" value %d, from me: %s\n", info.si_value.sival_int, info.si_pid == getpid() ? "yes" : "no");
    printf("%s", signal_name(sigwaitinfo(&set, &info)));
    printf(" value %d\n", info.si_value.sival_int);
    SHOW(sigtimedwait(&set, &info, &none));
    signal(SIGALRM, handler);
    struct timespec second = { 3, 0 };
    alarm(1);
    SHOW(sigtimedwait(&set, &info, &second));
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(20);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    int number;
    SHOW(sigwait(&set, &number));
    printf("%s\n", signal_name(number));
    show_end("child", child);
    return 0;
}
