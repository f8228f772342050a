/* What a child's identifiers have to do with its parent's. */
#include "corpus.h"

int main(void)
{
    pid_t me = getpid(), group = getpgrp(), session = getsid(0);
    TRUE_OR_NOT(group == me);
    TRUE_OR_NOT(session == me);
    TRUE_OR_NOT(syscall(SYS_gettid) == me);
    IN_CHILD("child") {
        TRUE_OR_NOT(getpid() != me);
        TRUE_OR_NOT(getppid() == me);
        TRUE_OR_NOT(getpgrp() == group);
        TRUE_OR_NOT(getsid(0) == session);
        TRUE_OR_NOT(getpgid(me) == group);
        TRUE_OR_NOT(getpgid(0) == group);
        TRUE_OR_NOT(syscall(SYS_gettid) == getpid());
    }
    SHOW(getpgid(999999));
    SHOW(getsid(999999));
    SHOW(getpgid(-1));
    return 0;
}
