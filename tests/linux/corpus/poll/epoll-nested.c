/* An epoll set in another; a descriptor that is closed but lives on in a duplicate; circles. */
#include "corpus.h"
#include <poll.h>
#include <sys/epoll.h>

int main(void)
{
    int ends[2], inner = epoll_create1(0), outer = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = 1 }, got;
    pipe(ends);
    SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, ends[0], &event));
    event.data.u32 = 2;
    SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event));
    SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event));
    SHOW(epoll_wait(outer, &got, 1, 0));
    write(ends[1], "x", 1);
    SHOW(epoll_wait(outer, &got, 1, 0));
    printf("data %u\n", got.data.u32);
    struct pollfd one = { .fd = outer, .events = POLLIN };
    SHOW(poll(&one, 1, 0));
    SHOW(epoll_wait(inner, &got, 1, 0));
    int copy = dup(ends[0]);
    close(ends[0]);
    SHOW(epoll_wait(inner, &got, 1, 0));
    close(copy);
    SHOW(epoll_wait(inner, &got, 1, 0));
    SHOW(epoll_wait(outer, &got, 1, 0));
    return 0;
}
