/* What each signal does by default. */
#include "corpus.h"
#include <sys/resource.h>

int main(void)
{
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    for (int number = 1; number < 32; number++) {
        if (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU)
            continue;
        pid_t child = fork();
        if (child == 0) {
            kill(getpid(), number);
            _exit(0);
        }
        show_end(signal_name(number), child);
    }
    pid_t child = fork();
    if (child == 0) {
        kill(getpid(), SIGRTMIN);
        _exit(0);
    }
    show_end("SIGRTMIN", child);
    return 0;
}
