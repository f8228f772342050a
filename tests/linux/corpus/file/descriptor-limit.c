/* RLIMIT_NOFILE: EMFILE when all numbers below it are taken. */
#include "corpus.h"
#include <sys/resource.h>
#include <sys/socket.h>

int main(void)
{
    struct rlimit limit = { 8, 8 };
    int ends[2], opened = 0;
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    while (open("/dev/null", O_RDONLY) != -1)
        opened++;
    printf("%d more, then %s\n", opened, errno_name(errno));
    SHOW(dup(0));
    SHOW(pipe(ends));
    SHOW(socket(AF_UNIX, SOCK_STREAM, 0));
    SHOW(dup2(0, 8));
    SHOW(fcntl(0, F_DUPFD, 8));
    SHOW(dup2(0, 7));
    close(7);
    SHOW(pipe(ends));
    SHOW(dup(0));
    return 0;
}
