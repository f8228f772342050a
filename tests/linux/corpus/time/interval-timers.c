/* setitimer, getitimer, alarm: one timer for both; intervals; inherited by nobody. */
#include "corpus.h"
#include <sys/time.h>

static volatile int hits;

static void handler(int number)
{
    (void)number;
    hits++;
}

int main(void)
{
    struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, is, none = { 0 };
    signal(SIGALRM, handler);
    SHOW(alarm(100));
    SHOW(getitimer(ITIMER_REAL, &is));
    TRUE_OR_NOT(is.it_value.tv_sec >= 98 && is.it_value.tv_sec <= 100);
    SHOW(setitimer(ITIMER_REAL, &often, &is));
    TRUE_OR_NOT(is.it_value.tv_sec >= 98);
    IN_CHILD("child") {
        getitimer(ITIMER_REAL, &is);
        printf("child's: %ld %ld\n", (long)is.it_value.tv_usec, (long)is.it_interval.tv_usec);
    }
    while (hits < 5)
        pause();
    SHOW(setitimer(ITIMER_REAL, &none, &is));
    printf("interval %ld\n", (long)is.it_interval.tv_usec);
    SHOW(alarm(0));
    signal(SIGVTALRM, handler);
    hits = 0;
    SHOW(setitimer(ITIMER_VIRTUAL, &often, NULL));
    while (hits < 2)
        continue;
    SHOW(setitimer(ITIMER_VIRTUAL, &none, NULL));
    SHOW(setitimer(77, &none, NULL));
    often.it_value.tv_usec = 1000000;
    SHOW(setitimer(ITIMER_REAL, &often, NULL));
    SHOW(getitimer(ITIMER_REAL, (struct itimerval *)8));
    return 0;
}
