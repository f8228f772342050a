/* A pipe: bytes in order, end of file, EPIPE and SIGPIPE, which end does what. */
#include "corpus.h"

static void handler(int number)
{
    printf("%s\n", signal_name(number));
}

int main(void)
{
    int ends[2];
    char bytes[16] = "";
    SHOW(pipe(ends));
    SHOW(write(ends[1], "hello", 5));
    SHOW(write(ends[1], "world", 5));
    SHOW(read(ends[0], bytes, 7));
    printf("%.7s\n", bytes);
    SHOW(read(ends[0], bytes, 16));
    printf("%.3s\n", bytes);
    SHOW(read(ends[1], bytes, 1));
    SHOW(write(ends[0], bytes, 1));
    SHOW(write(ends[1], bytes, 0));
    int second = dup(ends[1]);
    write(ends[1], "x", 1);
    close(ends[1]);
    close(second);
    SHOW(read(ends[0], bytes, 16));
    SHOW(read(ends[0], bytes, 16));
    pipe(ends);
    close(ends[0]);
    signal(SIGPIPE, handler);
    SHOW(write(ends[1], "x", 1));
    SHOW(write(ends[1], "x", 0));
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(ends[1], "x", 1));
    signal(SIGPIPE, SIG_DFL);
    IN_CHILD("by default")
        write(ends[1], "x", 1);
    return 0;
}
