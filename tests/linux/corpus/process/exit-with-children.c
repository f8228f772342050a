/* A child that ends while its parent does not wait stays; SIGCHLD ignored makes it go. */
#include "corpus.h"

int main(void)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(1);
    sleep_ms(50);
    SHOW(kill(child, 0));
    show_end("child", child);
    SHOW(kill(child, 0));
    signal(SIGCHLD, SIG_IGN);
    child = fork();
    if (child == 0)
        _exit(2);
    SHOW(waitpid(child, &status, 0));
    SHOW(kill(child, 0));
    struct sigaction action = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
    sigaction(SIGCHLD, &action, NULL);
    child = fork();
    if (child == 0)
        _exit(3);
    SHOW(wait(&status));
    return 0;
}
