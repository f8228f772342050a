/* poll on sockets: connecting, listening, half closed, gone. */
#include "corpus.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

static void ask(const char *what, int fd)
{
    struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };
    poll(&one, 1, 0);
    printf("%s:%s%s%s%s%s\n", what, one.revents & POLLIN ? " POLLIN" : "", one.revents & POLLOUT ? " POLLOUT" : "",
        one.revents & POLLHUP ? " POLLHUP" : "", one.revents & POLLERR ? " POLLERR" : "", one.revents & POLLRDHUP ? " POLLRDHUP" : "");
}

int main(void)
{
    struct sockaddr_un name = { AF_UNIX, "socket" };
    char byte;
    int listens = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    ask("new", client);
    bind(listens, (void *)&name, sizeof name);
    listen(listens, 2);
    ask("listening", listens);
    connect(client, (void *)&name, sizeof name);
    ask("somebody waits", listens);
    ask("not accepted yet", client);
    int server = accept(listens, NULL, NULL);
    write(client, "x", 1);
    ask("a byte", server);
    shutdown(client, SHUT_WR);
    ask("a byte and half closed", server);
    ask("the half that closed", client);
    read(server, &byte, 1);
    close(client);
    ask("gone", server);
    int ends[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
    ask("datagrams", ends[0]);
    close(ends[1]);
    ask("datagrams to nobody", ends[0]);
    return 0;
}
