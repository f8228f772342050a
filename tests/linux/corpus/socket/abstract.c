/* Names that are not in the file system: any bytes, gone with the socket; autobind. */
#include "corpus.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
    struct sockaddr_un name = { AF_UNIX, "\0corpus\0name" }, got;
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + 12, got_length = sizeof got;
    int one = socket(AF_UNIX, SOCK_STREAM, 0), two = socket(AF_UNIX, SOCK_STREAM, 0), three = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(one, (void *)&name, length));
    SHOW(bind(two, (void *)&name, length));
    SHOW(bind(two, (void *)&name, length - 1));
    SHOW(listen(one, 1));
    SHOW(connect(three, (void *)&name, length));
    SHOW(getpeername(three, (void *)&got, &got_length));
    printf("length %d, equal: %s\n", (int)got_length, memcmp(&name, &got, length) == 0 ? "yes" : "no");
    close(one);
    int four = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(connect(four, (void *)&name, length));
    SHOW(bind(four, (void *)&name, length));
    int five = socket(AF_UNIX, SOCK_DGRAM, 0);
    SHOW(bind(five, (void *)&name, sizeof(sa_family_t)));
    got_length = sizeof got;
    SHOW(getsockname(five, (void *)&got, &got_length));
    printf("length %d, first byte %d\n", (int)got_length, got.sun_path[0]);
    return 0;
}
