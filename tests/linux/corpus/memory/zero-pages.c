/* New memory is zero, whatever was there before; reading and writing a page that nobody touched. */
#include "corpus.h"

int main(void)
{
    for (int round = 0; round < 4; round++) {
        unsigned char *area = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        unsigned other = 0;
        for (int i = 0; i < 64 * 4096; i++)
            other += area[i] != 0;
        printf("round %d: %u\n", round, other);
        memset(area, 0xee, 64 * 4096);
        if (round == 1)
            IN_CHILD("child")
                memset(area, 0xdd, 64 * 4096);
        munmap(area, 64 * 4096);
    }
    return 0;
}
