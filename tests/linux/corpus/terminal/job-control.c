/* A background group that reads is stopped by SIGTTIN; one that writes with TOSTOP by SIGTTOU; tcsetpgrp moves it. */
#include "corpus.h"
#include <pty.h>
#include <termios.h>

static void leader(void)
{
    int status;
    char byte;
    struct termios now;
    pid_t job = fork();
    if (job == 0) {
        setpgid(0, 0);
        printf("read %zd\n", read(0, &byte, 1));
        write(0, "y", 1);
        printf("wrote\n");
        SHOW(tcsetpgrp(0, getpgrp()));
        _exit(5);
    }
    setpgid(job, job);
    waitpid(job, &status, WUNTRACED);
    show_status("reads in the background", status);
    SHOW(tcsetpgrp(0, job));
    kill(-job, SIGCONT);
    sleep_ms(100);
    TRUE_OR_NOT(tcgetpgrp(0) == job);
    signal(SIGTTOU, SIG_IGN);
    waitpid(job, &status, WUNTRACED);
    show_status("reads in the foreground", status);
    SHOW(tcsetpgrp(0, getpgrp()));
    tcgetattr(0, &now);
    now.c_lflag |= TOSTOP;
    tcsetattr(0, TCSANOW, &now);
    job = fork();
    if (job == 0) {
        setpgid(0, 0);
        signal(SIGTTOU, SIG_DFL);
        write(0, "z", 1);
        _exit(6);
    }
    setpgid(job, job);
    waitpid(job, &status, WUNTRACED);
    show_status("writes in the background", status);
    kill(job, SIGKILL);
    waitpid(job, &status, 0);
    SHOW(tcsetpgrp(0, 999999));
    SHOW(tcsetpgrp(0, -1));
}

int main(void)
{
    int master, said = dup(1);
    pid_t child = forkpty(&master, NULL, NULL, NULL);
    if (child == 0) {
        dup2(said, 1);
        leader();
        fflush(stdout);
        _exit(0);
    }
    sleep_ms(50);
    write(master, "q\n", 2);
    show_end("leader", child);
    return 0;
}
