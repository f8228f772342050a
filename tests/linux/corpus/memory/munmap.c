/* munmap: holes, halves, what is not mapped, errors; a page that is gone faults. */
#include "corpus.h"

int main(void)
{
    char *area = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(area, 1, 8 * 4096);
    SHOW(munmap(area + 3 * 4096, 2 * 4096));
    SHOW(munmap(area + 3 * 4096, 2 * 4096));
    SHOW(munmap(area + 1, 4096));
    SHOW(munmap(area, 0));
    SHOW(munmap(area + 7 * 4096, 1));
    SHOW(munmap((void *)0x7ffffffff000, 1UL << 40));
    SHOW(munmap((void *)-4096L, 4096));
    printf("%d %d %d\n", area[0], area[2 * 4096], area[6 * 4096]);
    IN_CHILD("in the hole")
        printf("%d\n", *(volatile char *)(area + 4 * 4096));
    IN_CHILD("behind the end")
        printf("%d\n", *(volatile char *)(area + 7 * 4096));
    return 0;
}
