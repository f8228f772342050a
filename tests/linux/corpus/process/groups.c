/* setpgid: who may put whom into which group. */
#include "corpus.h"

int main(void)
{
    char byte;
    int ready[2], go[2];
    NEED(pipe(ready));
    NEED(pipe(go));
    SHOW(setpgid(0, 0));
    SHOW(setpgid(0, -1));
    SHOW(setpgid(-1, 0));
    SHOW(setpgid(999999, 0));
    pid_t child = fork();
    if (child == 0) {
        write(ready[1], "x", 1);
        read(go[0], &byte, 1);
        printf("child leads its group: %s\n", getpgrp() == getpid() ? "yes" : "no");
        setsid();
        write(ready[1], "x", 1);
        read(go[0], &byte, 1);
        _exit(0);
    }
    read(ready[0], &byte, 1);
    SHOW(setpgid(child, 999999));
    SHOW(setpgid(child, child));
    TRUE_OR_NOT(getpgid(child) == child);
    SHOW(setpgid(child, getpgrp()));
    TRUE_OR_NOT(getpgid(child) == getpgrp());
    SHOW(setpgid(child, child));
    kill(child, 0);
    write(go[1], "x", 1);
    read(ready[0], &byte, 1);
    write(go[1], "x", 1);
    show_end("child", child);
    SHOW(setpgid(child, child));
    SHOW(setsid());
    return 0;
}
