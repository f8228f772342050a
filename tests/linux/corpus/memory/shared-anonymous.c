/* Shared memory without a file is one between parent and child, before and after the fork. */
#include "corpus.h"

int main(void)
{
    int *area = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    area[0] = 1;
    IN_CHILD("child") {
        printf("child reads %d\n", area[0]);
        area[0] = 2;
        area[2048] = 3;
        IN_CHILD("grandchild")
            area[1024] = 4;
    }
    printf("parent reads %d %d %d\n", area[0], area[1024], area[2048]);
    return 0;
}
