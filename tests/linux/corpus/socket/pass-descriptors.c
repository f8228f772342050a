/* SCM_RIGHTS: an open file goes through a socket, with its position; lost ones are closed. */
#include "corpus.h"
#include <sys/socket.h>

static int send_fd(int socket, int fd)
{
    char room[CMSG_SPACE(sizeof fd)] = { 0 };
    struct iovec piece = { "x", 1 };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return (int)sendmsg(socket, &message, 0);
}

static int receive_fd(int socket, size_t space, int flags)
{
    char byte, room[256];
    struct iovec piece = { &byte, 1 };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = space };
    ssize_t got = recvmsg(socket, &message, flags);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    printf("received %zd, %s%s\n", got, header ? "with a descriptor" : "without", message.msg_flags & MSG_CTRUNC ? ", cut" : "");
    int fd = -1;
    if (header)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

int main(void)
{
    int ends[2], pipes[2];
    char bytes[8] = "";
    make_file("file", "0123456789");
    int fd = open("file", O_RDONLY);
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    pid_t child = fork();
    if (child == 0) {
        lseek(fd, 4, SEEK_SET);
        SHOW(send_fd(ends[1], open("file", O_RDWR)));
        SHOW(send_fd(ends[1], fd));
        _exit(0);
    }
    show_end("sender", child);
    int got = receive_fd(ends[0], 256, MSG_CMSG_CLOEXEC);
    SHOW(fcntl(got, F_GETFD));
    SHOW(fcntl(got, F_GETFL) & O_ACCMODE);
    got = receive_fd(ends[0], 256, 0);
    SHOW(read(got, bytes, 2));
    printf("%s\n", bytes);
    pipe(pipes);
    SHOW(send_fd(ends[1], pipes[1]));
    close(pipes[1]);
    receive_fd(ends[0], 0, 0);
    SHOW(read(pipes[0], bytes, 1));
    SHOW(send_fd(ends[1], 99));
    pipe(pipes);
    send_fd(ends[1], pipes[1]);
    close(pipes[1]);
    close(ends[0]);
    close(ends[1]);
    SHOW(read(pipes[0], bytes, 1));
    return 0;
}
