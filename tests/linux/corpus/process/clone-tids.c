/* Where clone writes the new identifier, and where it clears it at the end. */
#include "corpus.h"
#include <sched.h>

int main(void)
{
    volatile int *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    words[0] = words[1] = -1;
    pid_t child = (pid_t)syscall(SYS_clone, (long)(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD), 0L, &words[0], &words[1], 0L);
    if (child == 0)
        _exit(words[1] == getpid() ? 1 : 2);
    TRUE_OR_NOT(words[0] == child);
    show_end("child", child);
    TRUE_OR_NOT(words[1] == child);
    words[1] = 77;
    child = (pid_t)syscall(SYS_clone, (long)(CLONE_CHILD_CLEARTID | SIGCHLD), 0L, &words[0], &words[1], 0L);
    if (child == 0)
        _exit(0);
    show_end("child", child);
    printf("cleared only in memory that others share: %d\n", words[1]);
    return 0;
}
