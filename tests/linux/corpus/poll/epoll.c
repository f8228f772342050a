/* epoll: level and edge, one shot, changes, errors. */
#include "corpus.h"
#include <sys/epoll.h>

static int set;

static void wait_for(const char *what)
{
    struct epoll_event events[8];
    int count = epoll_wait(set, events, 8, 0);
    printf("%s: %d", what, count);
    for (int i = 0; i < count; i++)
        printf(" [%u%s%s%s%s]", events[i].data.u32, events[i].events & EPOLLIN ? " in" : "", events[i].events & EPOLLOUT ? " out" : "",
            events[i].events & EPOLLHUP ? " hup" : "", events[i].events & EPOLLERR ? " err" : "");
    printf("\n");
}

int main(void)
{
    int ends[2], file;
    char byte;
    make_file("file", "x");
    file = open("file", O_RDONLY);
    pipe(ends);
    set = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = 7 };
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event));
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event));
    SHOW(epoll_ctl(set, EPOLL_CTL_MOD, ends[1], &event));
    SHOW(epoll_ctl(set, EPOLL_CTL_DEL, ends[1], &event));
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, file, &event));
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, set, &event));
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, 99, &event));
    SHOW(epoll_ctl(file, EPOLL_CTL_ADD, ends[1], &event));
    SHOW(epoll_ctl(set, 77, ends[0], &event));
    SHOW(epoll_ctl(set, EPOLL_CTL_MOD, ends[0], (struct epoll_event *)8));
    SHOW(epoll_wait(set, &event, 0, 0));
    SHOW(epoll_create(0));
    SHOW(epoll_create1(77));
    wait_for("empty");
    write(ends[1], "ab", 2);
    wait_for("level");
    wait_for("level again");
    event.events = EPOLLIN | EPOLLET;
    event.data.u32 = 8;
    epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event);
    wait_for("edge");
    wait_for("edge again");
    read(ends[0], &byte, 1);
    wait_for("a byte read, one left");
    write(ends[1], "c", 1);
    wait_for("one more written");
    event.events = EPOLLIN | EPOLLONESHOT;
    epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event);
    wait_for("one shot");
    wait_for("one shot again");
    epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event);
    wait_for("armed again");
    event = (struct epoll_event){ .events = EPOLLOUT, .data.u32 = 9 };
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, ends[1], &event));
    wait_for("the other end");
    close(ends[0]);
    wait_for("its reader is gone");
    close(ends[1]);
    wait_for("both closed");
    return 0;
}
