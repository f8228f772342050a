/* prctl: names, the signal when the parent dies, what is unknown; personality. */
#include "corpus.h"
#include <sys/personality.h>
#include <sys/prctl.h>

int main(void)
{
    char name[17] = "";
    int number = -1, ends[2], heard[2];
    SHOW(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
    SHOW(prctl(PR_GET_NAME, name));
    printf("%s\n", name);
    show_file("/proc/self/comm");
    SHOW(prctl(PR_SET_PDEATHSIG, 99));
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(99999));
    SHOW(personality(0xffffffff));
    pipe(ends);
    pipe(heard);
    pid_t child = fork();
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, SIGUSR1);
            sigprocmask(SIG_BLOCK, &set, NULL);
            prctl(PR_SET_PDEATHSIG, SIGUSR1);
            prctl(PR_GET_PDEATHSIG, &number);
            printf("%s\n", signal_name(number));
            write(ends[1], "x", 1);
            siginfo_t info;
            printf("the parent died: %s\n", signal_name(sigwaitinfo(&set, &info)));
            write(heard[1], "y", 1);
            _exit(0);
        }
        read(ends[0], name, 1);
        _exit(0);
    }
    read(heard[0], name, 1);
    show_end("child", child);
    return 0;
}
