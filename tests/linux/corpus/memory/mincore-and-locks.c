/* mlock, munlock, mincore on what is and is not there. */
#include "corpus.h"

int main(void)
{
    unsigned char pages[4];
    char *area = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    area[0] = area[2 * 4096] = 1;
    SHOW(mincore(area, 4 * 4096, pages));
    printf("%d %d %d %d\n", pages[0] & 1, pages[1] & 1, pages[2] & 1, pages[3] & 1);
    SHOW(mincore(area + 1, 4096, pages));
    SHOW(mlock(area, 4096));
    SHOW(munlock(area, 4096));
    munmap(area + 4096, 4096);
    SHOW(mincore(area, 4 * 4096, pages));
    SHOW(mlock(area, 4 * 4096));
    SHOW(mlockall(0));
    return 0;
}
