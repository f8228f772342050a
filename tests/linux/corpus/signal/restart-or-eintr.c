/* What a handled signal does to calls that wait: with SA_RESTART some go on, some do not. */
#include "corpus.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>

static int hits, ends[2];

static void handler(int number)
{
    (void)number;
    if (++hits == 2) {
        write(ends[1], "x", 1);
        struct itimerval none = { 0 };
        setitimer(ITIMER_REAL, &none, NULL);
    }
}

static void again(void)
{
    char bytes[16];
    hits = 0;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    while (read(ends[0], bytes, sizeof bytes) > 0)
        continue;
    fcntl(ends[0], F_SETFL, 0);
    struct itimerval twice = { { 0, 20000 }, { 0, 20000 } };
    setitimer(ITIMER_REAL, &twice, NULL);
}

#define TRY(call) (again(), SHOW(call))

static void all(const char *how, int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
    struct pollfd poll_for = { .fd = ends[0], .events = POLLIN };
    struct timespec second = { 1, 0 };
    struct epoll_event event = { .events = EPOLLIN };
    char byte;
    int status, set = epoll_create1(0), sockets[2];
    sigset_t none;
    printf("%s\n", how);
    sigaction(SIGALRM, &action, NULL);
    epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
    socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
    TRY(read(ends[0], &byte, 1));
    TRY(poll(&poll_for, 1, -1));
    TRY(epoll_wait(set, &event, 1, -1));
    TRY(nanosleep(&second, NULL));
    TRY(pause());
    sigemptyset(&none);
    TRY(sigsuspend(&none));
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(ends[0], &readable);
    TRY(select(ends[0] + 1, &readable, NULL, NULL, NULL));
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(100);
        _exit(3);
    }
    TRY(waitpid(child, &status, 0) == -1 ? -1 : 0);
    waitpid(child, &status, 0);
    close(set);
}

int main(void)
{
    NEED(pipe(ends));
    all("without SA_RESTART", 0);
    all("with SA_RESTART", SA_RESTART);
    return 0;
}
