/* waitid with WNOWAIT leaves the child to be waited for; siginfo says everything. */
#include "corpus.h"

static void show(const char *what, const siginfo_t *info, pid_t child)
{
    const char *code = info->si_code == CLD_EXITED ? "CLD_EXITED"
        : info->si_code == CLD_KILLED ? "CLD_KILLED"
        : info->si_code == CLD_DUMPED ? "CLD_DUMPED"
        : info->si_code == CLD_STOPPED ? "CLD_STOPPED"
        : info->si_code == CLD_CONTINUED ? "CLD_CONTINUED" : "other";
    printf("%s: %s %s status %d, uid %d, %s\n", what, info->si_signo ? signal_name(info->si_signo) : "nothing", code,
        info->si_status, (int)info->si_uid, info->si_pid == child ? "the child" : "not the child");
}

int main(void)
{
    siginfo_t info;
    pid_t child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        _exit(42);
    }
    SHOW(waitid(P_PID, child, &info, WSTOPPED | WNOWAIT));
    show("stopped", &info, child);
    SHOW(waitid(P_PID, child, &info, WSTOPPED));
    show("stopped", &info, child);
    memset(&info, 0xff, sizeof info);
    SHOW(waitid(P_PID, child, &info, WSTOPPED | WEXITED | WNOHANG));
    printf("si_signo %d, si_pid %d\n", info.si_signo, info.si_pid);
    kill(child, SIGCONT);
    SHOW(waitid(P_PGID, getpgrp(), &info, WEXITED | WNOWAIT));
    show("exited", &info, child);
    SHOW(waitid(P_ALL, 0, &info, WEXITED));
    show("exited", &info, child);
    SHOW(waitid(P_ALL, 0, &info, WEXITED));
    child = fork();
    if (child == 0) {
        raise(SIGUSR2);
        _exit(0);
    }
    SHOW(waitid(P_PID, child, &info, WEXITED));
    show("killed", &info, child);
    return 0;
}
