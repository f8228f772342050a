/* poll on files, pipes, closed ends, wrong descriptors; time that runs out. */
#include "corpus.h"
#include <poll.h>

static void ask(const char *what, int fd, int events)
{
    struct pollfd one = { .fd = fd, .events = (short)events };
    int result = poll(&one, 1, 0);
    printf("%s: %d%s%s%s%s%s\n", what, result, one.revents & POLLIN ? " POLLIN" : "", one.revents & POLLOUT ? " POLLOUT" : "",
        one.revents & POLLHUP ? " POLLHUP" : "", one.revents & POLLERR ? " POLLERR" : "", one.revents & POLLNVAL ? " POLLNVAL" : "");
}

int main(void)
{
    static char bytes[65536];
    int ends[2];
    make_file("file", "x");
    pipe(ends);
    ask("file", open("file", O_RDWR), POLLIN | POLLOUT);
    ask("/dev/null", open("/dev/null", O_RDWR), POLLIN | POLLOUT);
    ask("directory", open(".", O_RDONLY), POLLIN | POLLOUT);
    ask("empty pipe", ends[0], POLLIN);
    ask("empty pipe's other end", ends[1], POLLIN | POLLOUT);
    write(ends[1], "x", 1);
    ask("pipe with a byte", ends[0], POLLIN | POLLOUT);
    ask("nothing asked", ends[0], 0);
    write(ends[1], bytes, sizeof bytes - 1);
    ask("full pipe", ends[1], POLLOUT);
    close(ends[1]);
    ask("bytes, no writer", ends[0], POLLIN);
    read(ends[0], bytes, sizeof bytes);
    ask("no writer", ends[0], POLLIN);
    ask("closed", 99, POLLIN);
    ask("negative", -1, POLLIN);
    pipe(ends);
    close(ends[0]);
    ask("no reader", ends[1], POLLOUT);
    SHOW(poll(NULL, 0, 10));
    SHOW(poll((struct pollfd *)8, 1, 0));
    struct pollfd many[3] = { { 99, POLLIN, 0 }, { -1, POLLIN, 7 }, { ends[1], POLLOUT, 0 } };
    SHOW(poll(many, 3, -1));
    printf("%d\n", many[1].revents);
    SHOW(poll(many, 1 << 21, 0));
    return 0;
}
