/* SO_PASSCRED, SCM_CREDENTIALS and SO_PEERCRED say who is on the other side. */
#include "corpus.h"
#include <sys/socket.h>

int main(void)
{
    int ends[2], on = 1;
    struct ucred peer;
    socklen_t length = sizeof peer;
    char byte, room[256];
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    SHOW(getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &peer, &length));
    printf("me: %s, %d %d\n", peer.pid == getpid() ? "yes" : "no", peer.uid, peer.gid);
    SHOW(setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    pid_t child = fork();
    if (child == 0) {
        setgid(1001);
        setuid(1000);
        write(ends[1], "x", 1);
        _exit(0);
    }
    struct iovec piece = { &byte, 1 };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };
    SHOW(recvmsg(ends[0], &message, 0));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_CREDENTIALS) {
        memcpy(&peer, CMSG_DATA(header), sizeof peer);
        printf("child: %s, %d %d\n", peer.pid == child ? "yes" : "no", peer.uid, peer.gid);
    }
    show_end("child", child);
    return 0;
}
