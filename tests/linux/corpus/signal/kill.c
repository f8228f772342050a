/* kill: to one, to a group, errors. */
#include "corpus.h"

int main(void)
{
    SHOW(kill(getpid(), 0));
    SHOW(kill(getpid(), 65));
    SHOW(kill(getpid(), -1));
    SHOW(kill(999999, 0));
    SHOW(kill(-999999, 0));
    SHOW(kill(0, 0));
    SHOW(kill(-getpid(), 0));
    SHOW(syscall(SYS_tgkill, getpid(), getpid(), 0));
    SHOW(syscall(SYS_tgkill, getpid(), 999999, 0));
    SHOW(syscall(SYS_tgkill, 0, getpid(), 0));
    SHOW(syscall(SYS_tkill, -1, 0));
    pid_t first = fork();
    if (first == 0) {
        setpgid(0, 0);
        for (;;)
            pause();
    }
    setpgid(first, first);
    pid_t second = fork();
    if (second == 0) {
        setpgid(0, first);
        for (;;)
            pause();
    }
    setpgid(second, first);
    SHOW(kill(-first, SIGTERM));
    show_end("first", first);
    SHOW(kill(-first, 0));
    show_end("second", second);
    SHOW(kill(-first, 0));
    return 0;
}
