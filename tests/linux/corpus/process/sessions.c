/* setsid: not for those who lead a group; a new session has a new group. */
#include "corpus.h"

int main(void)
{
    SHOW(setsid());
    pid_t old = getsid(0);
    IN_CHILD("child") {
        TRUE_OR_NOT(setsid() == getpid());
        TRUE_OR_NOT(getsid(0) == getpid());
        TRUE_OR_NOT(getpgrp() == getpid());
        TRUE_OR_NOT(getsid(getppid()) == old);
        SHOW(setsid());
        SHOW(setpgid(0, 0));
        SHOW(setpgid(0, old));
        SHOW(open("/dev/tty", O_RDWR));
    }
    return 0;
}
