/* sched_*, nice, priorities. */
#include "corpus.h"
#include <sched.h>
#include <sys/resource.h>

int main(void)
{
    struct sched_param parameter = { 0 };
    cpu_set_t set;
    SHOW(sched_yield());
    SHOW(sched_getscheduler(0));
    SHOW(sched_getparam(0, &parameter));
    SHOW(sched_get_priority_max(SCHED_FIFO));
    SHOW(sched_get_priority_min(SCHED_FIFO));
    SHOW(sched_get_priority_max(SCHED_OTHER));
    SHOW(sched_get_priority_max(77));
    SHOW(sched_getaffinity(0, sizeof set, &set));
    TRUE_OR_NOT(CPU_COUNT(&set) >= 1 && CPU_ISSET(0, &set));
    CPU_ZERO(&set);
    SHOW(sched_setaffinity(0, sizeof set, &set));
    CPU_SET(0, &set);
    SHOW(sched_setaffinity(0, sizeof set, &set));
    SHOW(sched_getaffinity(999999, sizeof set, &set));
    SHOW(nice(5));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 10));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 100));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(getpriority(77, 0));
    SHOW(getpriority(PRIO_PROCESS, 999999));
    SHOW(sched_getscheduler(999999));
    SHOW(sched_setscheduler(0, 77, &parameter));
    parameter.sched_priority = 5;
    SHOW(sched_setscheduler(0, SCHED_OTHER, &parameter));
    IN_CHILD("another user") {
        setuid(1000);
        SHOW(setpriority(PRIO_PROCESS, 0, 5));
        SHOW(getpriority(PRIO_PROCESS, 0));
    }
    return 0;
}
