/* Which clocks there are, that they go forward, and what cannot be set. */
#include "corpus.h"
#include <sys/time.h>

static void try(const char *name, clockid_t clock)
{
    struct timespec one, two, fine;
    if (clock_gettime(clock, &one) == -1) {
        printf("%s: %s\n", name, errno_name(errno));
        return;
    }
    clock_gettime(clock, &two);
    int resolution = clock_getres(clock, &fine);
    printf("%s: goes forward %d, resolution %d\n", name, two.tv_sec > one.tv_sec || (two.tv_sec == one.tv_sec && two.tv_nsec >= one.tv_nsec),
        resolution);
}

int main(void)
{
    try("CLOCK_REALTIME", CLOCK_REALTIME);
    try("CLOCK_MONOTONIC", CLOCK_MONOTONIC);
    try("CLOCK_PROCESS_CPUTIME_ID", CLOCK_PROCESS_CPUTIME_ID);
    try("CLOCK_THREAD_CPUTIME_ID", CLOCK_THREAD_CPUTIME_ID);
    try("CLOCK_MONOTONIC_RAW", CLOCK_MONOTONIC_RAW);
    try("CLOCK_REALTIME_COARSE", CLOCK_REALTIME_COARSE);
    try("CLOCK_MONOTONIC_COARSE", CLOCK_MONOTONIC_COARSE);
    try("CLOCK_BOOTTIME", CLOCK_BOOTTIME);
    try("77", 77);
    struct timespec now;
    struct timeval day;
    SHOW(gettimeofday(&day, NULL));
    clock_gettime(CLOCK_REALTIME, &now);
    TRUE_OR_NOT(now.tv_sec - day.tv_sec <= 1);
    TRUE_OR_NOT(time(NULL) - now.tv_sec <= 1);
    SHOW(clock_settime(CLOCK_MONOTONIC, &now));
    now.tv_nsec = -1;
    SHOW(clock_settime(CLOCK_REALTIME, &now));
    SHOW(syscall(SYS_clock_gettime, CLOCK_REALTIME, 8L));
    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (volatile int i = 0; i < 1000000; i++)
        continue;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    TRUE_OR_NOT(end.tv_sec > begin.tv_sec || end.tv_nsec > begin.tv_nsec);
    return 0;
}
