/* A parent may no longer change the group of a child that has called exec. */
#include "corpus.h"

int main(int count, char **words)
{
    int fds[2];
    char byte;
    if (count > 1) {
        write(atoi(words[1]), "x", 1);
        sleep_ms(200);
        return 0;
    }
    NEED(pipe(fds));
    pid_t child = fork();
    if (child == 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", fds[1]);
        execl("/proc/self/exe", words[0], number, (char *)NULL);
        _exit(1);
    }
    read(fds[0], &byte, 1);
    SHOW(setpgid(child, child));
    show_end("child", child);
    return 0;
}
