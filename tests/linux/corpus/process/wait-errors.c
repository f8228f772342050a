/* The errors of waiting. */
#include "corpus.h"

int main(void)
{
    int status;
    SHOW(wait(&status));
    SHOW(waitpid(-1, &status, WNOHANG));
    SHOW(waitpid(1, &status, 0));
    SHOW(waitpid(-999999, &status, 0));
    SHOW(waitpid(0, &status, 0));
    SHOW(waitpid(-1, &status, 0x40000000 | 0x10));
    siginfo_t info;
    SHOW(waitid(P_ALL, 0, &info, 0));
    SHOW(waitid(P_PID, 1, &info, WEXITED));
    SHOW(waitid((idtype_t)77, 1, &info, WEXITED));
    SHOW(waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
    pid_t child = fork();
    if (child == 0)
        _exit(5);
    SHOW(waitpid(child + 1000, &status, 0));
    show_end("child", child);
    SHOW(waitpid(child, &status, 0));
    return 0;
}
