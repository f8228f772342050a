/* timer_create: signals with values, overruns, deletion, errors. */
#include "corpus.h"

int main(void)
{
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 42 };
    struct itimerspec once = { { 0, 0 }, { 0, 10000000 } }, often = { { 0, 5000000 }, { 0, 5000000 } }, is, none = { 0 };
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
    SHOW(timer_gettime(timer, &is));
    printf("%ld %ld\n", (long)is.it_value.tv_sec, is.it_value.tv_nsec);
    SHOW(timer_settime(timer, 0, &once, NULL));
    TRUE_OR_NOT(sigwaitinfo(&set, &info) == SIGRTMIN);
    printf("code %s, value %d\n", info.si_code == SI_TIMER ? "SI_TIMER" : "other", info.si_value.sival_int);
    SHOW(timer_settime(timer, 0, &often, NULL));
    sleep_ms(52);
    TRUE_OR_NOT(sigwaitinfo(&set, &info) == SIGRTMIN);
    TRUE_OR_NOT(info.si_overrun >= 8);
    TRUE_OR_NOT(timer_getoverrun(timer) >= 8);
    SHOW(timer_settime(timer, 0, &none, &is));
    printf("interval %ld\n", is.it_interval.tv_nsec);
    SHOW(timer_delete(timer));
    SHOW(syscall(SYS_timer_delete, 12345));
    SHOW(syscall(SYS_timer_gettime, 12345, &is));
    SHOW(timer_create(77, &event, &timer));
    event.sigev_signo = 99;
    SHOW(timer_create(CLOCK_REALTIME, &event, &timer));
    event = (struct sigevent){ .sigev_notify = SIGEV_NONE };
    SHOW(timer_create(CLOCK_REALTIME, &event, &timer));
    often.it_value.tv_nsec = -1;
    SHOW(timer_settime(timer, 0, &often, NULL));
    return 0;
}
