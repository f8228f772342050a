/* Stopping and continuing: SIGCONT works on the stopped even if ignored or blocked; SIGKILL too; SIGCHLD tells. */
#include "corpus.h"

static volatile int told;

static void on_child(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    told = info->si_code;
}

static void wait_told(int code, const char *name)
{
    for (int i = 0; i < 200 && told != code; i++)
        sleep_ms(5);
    printf("%s: %s\n", name, told == code ? "told" : "not told");
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigaction(SIGCHLD, &action, NULL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGCONT, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        raise(SIGSTOP);
        raise(SIGTSTP);
        raise(SIGTTIN);
        _exit(3);
    }
    int status;
    wait_told(CLD_STOPPED, "CLD_STOPPED");
    waitpid(child, &status, WUNTRACED);
    show_status("child", status);
    kill(child, SIGTERM);
    kill(child, SIGCONT);
    /* Its group is orphaned: SIGTSTP and SIGTTIN do not stop it. */
    waitpid(child, &status, WUNTRACED);
    show_status("child", status);
    if (WIFSTOPPED(status)) {
        kill(child, SIGKILL);
        show_end("child", child);
    }
    action.sa_flags |= SA_NOCLDSTOP;
    sigaction(SIGCHLD, &action, NULL);
    told = 0;
    child = fork();
    if (child == 0)
        for (;;)
            pause();
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
    show_status("child", status);
    printf("with SA_NOCLDSTOP: %s\n", told ? "told" : "not told");
    kill(child, SIGTERM);
    SHOW(waitpid(child, &status, WNOHANG));
    kill(child, SIGCONT);
    show_end("child", child);
    return 0;
}
