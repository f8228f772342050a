/* A large area is copied page by page, only where somebody writes, through three generations. */
#include "corpus.h"

enum { PAGES = 256 };

static unsigned sum(const unsigned char *area)
{
    unsigned total = 0;
    for (int i = 0; i < PAGES; i++)
        total += area[i * 4096];
    return total;
}

int main(void)
{
    unsigned char *area = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < PAGES; i++)
        area[i * 4096] = 1;
    IN_CHILD("child") {
        for (int i = 0; i < PAGES; i += 2)
            area[i * 4096] = 2;
        IN_CHILD("grandchild") {
            for (int i = 0; i < PAGES; i += 4)
                area[i * 4096] = 9;
            printf("grandchild: %u\n", sum(area));
        }
        printf("child: %u\n", sum(area));
    }
    printf("parent: %u\n", sum(area));
    return 0;
}
