/* F_GETFL and F_SETFL: which flags can be changed, and for whom. */
#include "corpus.h"

static void flags(const char *what, int fd)
{
    int is = fcntl(fd, F_GETFL);
    printf("%s: access %d%s%s%s\n", what, is & O_ACCMODE, is & O_APPEND ? " O_APPEND" : "", is & O_NONBLOCK ? " O_NONBLOCK" : "",
        is & O_CREAT ? " O_CREAT" : "");
}

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644), second = dup(fd);
    flags("opened", fd);
    SHOW(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_WRONLY));
    flags("set", fd);
    flags("the duplicate", second);
    SHOW(fcntl(fd, F_SETFL, 0));
    flags("cleared", fd);
    SHOW(fcntl(fd, F_SETFD, 77));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, 9999));
    SHOW(fcntl(99, F_GETFL));
    int ends[2];
    SHOW(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    flags("reading end", ends[0]);
    flags("writing end", ends[1]);
    IN_CHILD("a child changes it for both") {
        fcntl(ends[0], F_SETFL, 0);
    }
    flags("reading end", ends[0]);
    return 0;
}
