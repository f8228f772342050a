/* Datagrams: to names, from names, of whole messages, to nobody. */
#include "corpus.h"
#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
    struct sockaddr_un a = { AF_UNIX, "a" }, b = { AF_UNIX, "b" }, from;
    socklen_t length = sizeof from;
    char bytes[8] = "";
    int one = socket(AF_UNIX, SOCK_DGRAM, 0), two = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    SHOW(bind(one, (void *)&a, sizeof a));
    SHOW(sendto(two, "none", 4, 0, (void *)&b, sizeof b));
    SHOW(sendto(two, "anonymous", 9, 0, (void *)&a, sizeof a));
    SHOW(recvfrom(one, bytes, 4, 0, (void *)&from, &length));
    printf("%.4s, length of the name %d\n", bytes, (int)length);
    SHOW(bind(two, (void *)&b, sizeof b));
    SHOW(sendto(two, "named", 5, 0, (void *)&a, sizeof a));
    length = sizeof from;
    SHOW(recvfrom(one, bytes, 8, 0, (void *)&from, &length));
    printf("%.5s from %s\n", bytes, from.sun_path);
    SHOW(recv(two, bytes, 8, 0));
    SHOW(send(two, "x", 1, 0));
    SHOW(connect(two, (void *)&a, sizeof a));
    SHOW(send(two, "", 0, 0));
    SHOW(recv(one, bytes, 8, 0));
    SHOW(listen(one, 1));
    close(one);
    SHOW(send(two, "x", 1, 0));
    unlink("a");
    SHOW(sendto(two, "x", 1, 0, (void *)&a, sizeof a));
    return 0;
}
