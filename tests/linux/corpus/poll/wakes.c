/* A poll that waits is woken by what another process does. */
#include "corpus.h"
#include <poll.h>

int main(void)
{
    int ends[2];
    pipe(ends);
    struct pollfd one = { .fd = ends[0], .events = POLLIN };
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(30);
        write(ends[1], "x", 1);
        _exit(0);
    }
    SHOW(poll(&one, 1, -1));
    printf("revents %d\n", one.revents);
    show_end("writer", child);
    char byte;
    read(ends[0], &byte, 1);
    child = fork();
    if (child == 0) {
        close(ends[0]);
        sleep_ms(30);
        _exit(0);
    }
    close(ends[1]);
    SHOW(poll(&one, 1, -1));
    printf("revents %d\n", one.revents);
    show_end("closer", child);
    SHOW(poll(&one, 1, 20));
    one.events = 0;
    one.fd = -5;
    SHOW(poll(&one, 1, 20));
    return 0;
}
