/* The signal at the end is the one clone was given; waiting needs __WCLONE if it is not SIGCHLD. */
#include "corpus.h"
#include <sched.h>

static volatile sig_atomic_t seen;

static void handler(int number)
{
    seen = number;
}

int main(void)
{
    int status;
    signal(SIGUSR1, handler);
    signal(SIGCHLD, handler);
    pid_t child = (pid_t)syscall(SYS_clone, (long)SIGUSR1, 0L, 0L, 0L, 0L);
    if (child == 0)
        _exit(3);
    while (!seen)
        sleep_ms(10);
    printf("seen %s\n", signal_name(seen));
    SHOW(waitpid(child, &status, 0));
    TRUE_OR_NOT(waitpid(child, &status, __WCLONE) == child);
    show_status("child", status);
    child = (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
    if (child == 0)
        _exit(4);
    TRUE_OR_NOT(waitpid(child, &status, __WALL) == child);
    show_status("child", status);
    return 0;
}
