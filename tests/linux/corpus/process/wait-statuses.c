/* Every way for a child to end or to change, as waitpid tells it. */
#include "corpus.h"

int main(void)
{
    static const int codes[] = { 0, 1, 127, 255, 256, -1 };
    static const int signals[] = { SIGHUP, SIGKILL, SIGTERM, SIGUSR1, SIGALRM, SIGPIPE };
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(codes[i]);
        show_end("child", child);
    }
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        pid_t child = fork();
        if (child == 0) {
            kill(getpid(), signals[i]);
            _exit(1);
        }
        show_end("child", child);
    }
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    int status;
    kill(child, SIGSTOP);
    TRUE_OR_NOT(waitpid(child, &status, WUNTRACED) == child);
    show_status("child", status);
    SHOW(waitpid(child, &status, WUNTRACED | WNOHANG));
    kill(child, SIGCONT);
    TRUE_OR_NOT(waitpid(child, &status, WCONTINUED) == child);
    show_status("child", status);
    SHOW(waitpid(child, &status, WCONTINUED | WNOHANG));
    kill(child, SIGKILL);
    show_end("child", child);
    return 0;
}
