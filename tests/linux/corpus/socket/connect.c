/* bind, listen, connect, accept by path: names, errors in every state. */
#include "corpus.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
    struct sockaddr_un name = { AF_UNIX, "socket" }, other = { AF_UNIX, "missing" }, got;
    socklen_t length = sizeof got;
    char bytes[8];
    int listens = (int)NEED(socket(AF_UNIX, SOCK_STREAM, 0)), client = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(connect(client, (void *)&name, sizeof name));
    SHOW(listen(listens, 5));
    SHOW(accept(listens, NULL, NULL));
    SHOW(bind(listens, (void *)&name, sizeof name));
    SHOW(bind(listens, (void *)&name, sizeof name));
    int second = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(second, (void *)&name, sizeof name));
    SHOW(connect(client, (void *)&name, sizeof name));
    SHOW(listen(listens, 5));
    SHOW(connect(client, (void *)&other, sizeof other));
    SHOW(connect(client, (void *)&name, sizeof name));
    SHOW(connect(client, (void *)&name, sizeof name));
    int server = (int)NEED(accept(listens, (void *)&got, &length));
    printf("client's name: family %d, length %d\n", got.sun_family, (int)length);
    length = sizeof got;
    SHOW(getpeername(client, (void *)&got, &length));
    printf("%s, length %d\n", got.sun_path, (int)length);
    length = sizeof got;
    SHOW(getsockname(server, (void *)&got, &length));
    printf("%s\n", got.sun_path);
    SHOW(write(client, "hello", 5));
    SHOW(read(server, bytes, 8));
    SHOW(shutdown(client, SHUT_WR));
    SHOW(read(server, bytes, 8));
    SHOW(write(server, "back", 4));
    SHOW(read(client, bytes, 8));
    SHOW(send(client, "x", 1, MSG_NOSIGNAL));
    SHOW(shutdown(client, 7));
    SHOW(shutdown(listens, SHUT_RDWR));
    SHOW(accept(listens, NULL, NULL));
    SHOW(connect(second, (void *)&name, sizeof name));
    SHOW(write(second, "x", 1));
    SHOW(getpeername(second, (void *)&got, &length));
    SHOW(accept(0, NULL, NULL));
    SHOW(accept(99, NULL, NULL));
    SHOW(bind(second, (void *)&name, 1));
    name.sun_family = AF_INET;
    SHOW(bind(second, (void *)&name, sizeof name));
    make_file("file", "x");
    strcpy(other.sun_path, "file");
    SHOW(connect(second, (void *)&other, sizeof other));
    SHOW(socket(AF_UNIX, 99, 0));
    SHOW(socket(9999, SOCK_STREAM, 0));
    return 0;
}
