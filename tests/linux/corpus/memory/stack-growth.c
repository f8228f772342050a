/* The stack grows as it is used, to a limit; then it is SIGSEGV. */
#include "corpus.h"
#include <sys/resource.h>

static int deep(int levels)
{
    volatile char room[4096];
    room[0] = (char)levels;
    return levels == 0 ? 0 : deep(levels - 1) + (room[0] == (char)levels);
}

int main(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    printf("limit %ld KiB\n", (long)limit.rlim_cur / 1024);
    limit.rlim_cur = 1 << 20;
    IN_CHILD("150 levels of 4 KiB in 1 MiB") {
        setrlimit(RLIMIT_STACK, &limit);
        deep(150);
    }
    IN_CHILD("400 levels of 4 KiB in 1 MiB") {
        setrlimit(RLIMIT_STACK, &limit);
        deep(400);
    }
    printf("levels: %d\n", deep(1000));
    IN_CHILD("without end")
        deep(1 << 30);
    return 0;
}
