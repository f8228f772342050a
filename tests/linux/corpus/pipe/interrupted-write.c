/* A write that has moved something when a signal comes says how much; one that has not is EINTR. */
#include "corpus.h"
#include <sys/time.h>

static void handler(int number)
{
    (void)number;
}

int main(void)
{
    static char bytes[100000];
    int ends[2];
    struct sigaction action = { .sa_handler = handler };
    struct itimerval soon = { { 0, 0 }, { 0, 30000 } };
    sigaction(SIGALRM, &action, NULL);
    pipe(ends);
    setitimer(ITIMER_REAL, &soon, NULL);
    SHOW(write(ends[1], bytes, sizeof bytes));
    setitimer(ITIMER_REAL, &soon, NULL);
    SHOW(write(ends[1], bytes, sizeof bytes));
    return 0;
}
