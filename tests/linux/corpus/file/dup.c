/* dup, dup2, dup3, fcntl(F_DUPFD): the lowest free number, one shared position, flags of one's own. */
#include "corpus.h"

int main(void)
{
    make_file("file", "0123456789");
    char byte;
    int fd = (int)SHOW(open("file", O_RDONLY | O_CLOEXEC));
    int second = (int)SHOW(dup(fd));
    SHOW(lseek(fd, 5, SEEK_SET));
    SHOW(read(second, &byte, 1));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(second, F_GETFD));
    SHOW(dup2(fd, 9));
    SHOW(dup2(fd, fd));
    SHOW(dup2(99, 9));
    SHOW(dup2(99, 99));
    SHOW(dup2(fd, -1));
    SHOW(dup2(fd, 1 << 20));
    SHOW(dup3(fd, fd, 0));
    SHOW(dup3(fd, 10, O_CLOEXEC));
    SHOW(fcntl(10, F_GETFD));
    SHOW(dup3(fd, 10, O_APPEND));
    SHOW(fcntl(fd, F_DUPFD, 6));
    SHOW(fcntl(fd, F_DUPFD, 6));
    SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 20));
    SHOW(fcntl(20, F_GETFD));
    SHOW(fcntl(fd, F_DUPFD, -1));
    SHOW(fcntl(fd, F_DUPFD, 1 << 20));
    SHOW(close(second));
    SHOW(dup(fd));
    SHOW(close(99));
    SHOW(dup(-1));
    SHOW(syscall(SYS_close_range, 5, 30, 0));
    SHOW(fcntl(20, F_GETFD));
    SHOW(fcntl(4, F_GETFD));
    SHOW(syscall(SYS_close_range, 30, 5, 0));
    return 0;
}
