/* socketpair of each type: streams flow together, messages do not. */
#include "corpus.h"
#include <sys/socket.h>

static void try(const char *name, int type)
{
    int ends[2];
    char bytes[16] = "";
    printf("%s\n", name);
    SHOW(socketpair(AF_UNIX, type, 0, ends));
    SHOW(send(ends[0], "abc", 3, 0));
    SHOW(send(ends[0], "defgh", 5, 0));
    SHOW(recv(ends[1], bytes, 16, MSG_PEEK));
    SHOW(recv(ends[1], bytes, 2, 0));
    SHOW(recv(ends[1], bytes, 16, MSG_DONTWAIT));
    SHOW(recv(ends[1], bytes, 16, MSG_DONTWAIT));
    SHOW(write(ends[1], "back", 4));
    SHOW(recv(ends[0], bytes, 2, MSG_TRUNC));
    SHOW(send(ends[0], "", 0, 0));
    SHOW(recv(ends[1], bytes, 16, MSG_DONTWAIT));
    SHOW(recv(ends[1], bytes, 16, MSG_OOB));
    SHOW(lseek(ends[0], 0, SEEK_SET));
    close(ends[0]);
    SHOW(recv(ends[1], bytes, 16, MSG_DONTWAIT));
    SHOW(send(ends[1], "x", 1, MSG_NOSIGNAL));
    close(ends[1]);
}

int main(void)
{
    int ends[2];
    try("SOCK_STREAM", SOCK_STREAM);
    try("SOCK_DGRAM", SOCK_DGRAM);
    try("SOCK_SEQPACKET", SOCK_SEQPACKET);
    SHOW(socketpair(AF_UNIX, 99, 0, ends));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 5, ends));
    SHOW(socketpair(9999, SOCK_STREAM, 0, ends));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)8));
    return 0;
}
