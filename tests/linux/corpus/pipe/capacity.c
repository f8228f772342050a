/* How much a pipe holds, how that changes, and what a write does that does not fit. */
#include "corpus.h"
#include <sys/ioctl.h>

static char bytes[200000];

int main(void)
{
    int ends[2], waiting;
    SHOW(pipe2(ends, O_NONBLOCK));
    SHOW(fcntl(ends[0], F_GETPIPE_SZ));
    SHOW(read(ends[0], bytes, 1));
    SHOW(write(ends[1], bytes, 65536));
    SHOW(write(ends[1], bytes, 1));
    SHOW(ioctl(ends[0], FIONREAD, &waiting));
    printf("%d wait\n", waiting);
    SHOW(read(ends[0], bytes, 100));
    SHOW(write(ends[1], bytes, 200));
    SHOW(read(ends[0], bytes, 65536));
    SHOW(write(ends[1], bytes, 100000));
    SHOW(read(ends[0], bytes, 200000));
    SHOW(fcntl(ends[0], F_SETPIPE_SZ, 10000));
    SHOW(write(ends[1], bytes, 100000));
    SHOW(fcntl(ends[0], F_SETPIPE_SZ, 4096));
    SHOW(read(ends[0], bytes, 200000));
    SHOW(fcntl(ends[0], F_SETPIPE_SZ, 1));
    SHOW(fcntl(ends[0], F_SETPIPE_SZ, 0) > 0 ? 1 : -1);
    SHOW(pipe2(ends, 0x1000000));
    return 0;
}
