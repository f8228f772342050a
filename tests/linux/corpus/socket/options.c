/* Options of a socket that every program asks for. */
#include "corpus.h"
#include <sys/socket.h>
#include <sys/un.h>

static void show(const char *name, int fd, int option)
{
    int value = -1;
    socklen_t length = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, option, &value, &length) == -1)
        printf("%s: %s\n", name, errno_name(errno));
    else
        printf("%s: %d\n", name, value);
}

int main(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), value = 1;
    SHOW(fcntl(fd, F_GETFD));
    show("SO_TYPE", fd, SO_TYPE);
    show("SO_DOMAIN", fd, SO_DOMAIN);
    show("SO_PROTOCOL", fd, SO_PROTOCOL);
    show("SO_ERROR", fd, SO_ERROR);
    show("SO_ACCEPTCONN", fd, SO_ACCEPTCONN);
    struct sockaddr_un name = { AF_UNIX, "socket" };
    bind(fd, (void *)&name, sizeof name);
    listen(fd, 1);
    show("SO_ACCEPTCONN", fd, SO_ACCEPTCONN);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value));
    show("SO_REUSEADDR", fd, SO_REUSEADDR);
    SHOW(setsockopt(fd, SOL_SOCKET, 9999, &value, sizeof value));
    SHOW(getsockopt(fd, SOL_SOCKET, 9999, &value, &(socklen_t){ 4 }));
    SHOW(setsockopt(0, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 1));
    struct stat is;
    fstat(fd, &is);
    TRUE_OR_NOT(S_ISSOCK(is.st_mode));
    SHOW(open("socket", O_RDWR));
    return 0;
}
