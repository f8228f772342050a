/* The break: grows, shrinks, is zero when it grows again, and refuses nonsense by staying. */
#include "corpus.h"

static char *brk_raw(void *to)
{
    return (char *)syscall(SYS_brk, to);
}

int main(void)
{
    char *start = brk_raw(NULL);
    TRUE_OR_NOT(brk_raw(start + 40000) == start + 40000);
    start[39999] = 1;
    start[1] = 7;
    TRUE_OR_NOT(brk_raw((void *)8) == start + 40000);
    TRUE_OR_NOT(brk_raw((void *)-4096L) == start + 40000);
    TRUE_OR_NOT(brk_raw(start) == start);
    TRUE_OR_NOT(brk_raw(start + 80000) == start + 80000);
    int other = 0;
    for (char *at = (char *)(((uintptr_t)start + 4095) & ~4095UL); at < start + 80000; at++)
        other += *at != 0;
    printf("bytes that are not 0: %d\n", other);
    TRUE_OR_NOT(brk_raw(start) == start);
    IN_CHILD("touches the page behind the break")
        *(volatile char *)(((uintptr_t)start + 4095 + 4096) & ~4095UL) = 1;
    return 0;
}
