/* nanosleep and clock_nanosleep: what is left after a signal, absolute times, errors. */
#include "corpus.h"

static void handler(int number)
{
    (void)number;
}

int main(void)
{
    struct timespec left = { 7, 7 }, begin, end;
    struct sigaction action = { .sa_handler = handler };
    sigaction(SIGALRM, &action, NULL);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    SHOW(nanosleep(&(struct timespec){ 0, 50000000 }, &left));
    clock_gettime(CLOCK_MONOTONIC, &end);
    long passed = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
    TRUE_OR_NOT(passed >= 50 && passed < 500);
    printf("left untouched: %ld\n", (long)left.tv_sec);
    alarm(1);
    SHOW(nanosleep(&(struct timespec){ 3, 0 }, &left));
    TRUE_OR_NOT(left.tv_sec == 1 || left.tv_sec == 2);
    SHOW(nanosleep(&(struct timespec){ 0, 1000000000 }, NULL));
    SHOW(nanosleep(&(struct timespec){ -1, 0 }, NULL));
    SHOW(nanosleep(&(struct timespec){ 0, -1 }, NULL));
    SHOW(nanosleep(&(struct timespec){ 0, 0 }, NULL));
    printf("%s\n", errno_name(clock_nanosleep(77, 0, &(struct timespec){ 0, 1 }, NULL)));
    printf("%d\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &begin, NULL));
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec++;
    alarm(0);
    printf("%d\n", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &end, NULL));
    clock_gettime(CLOCK_REALTIME, &begin);
    TRUE_OR_NOT(begin.tv_sec >= end.tv_sec);
    return 0;
}
