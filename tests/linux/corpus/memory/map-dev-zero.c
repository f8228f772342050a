/* /dev/zero mapped is new memory; /dev/null cannot be mapped. */
#include "corpus.h"

int main(void)
{
    int zero = open("/dev/zero", O_RDWR), null = open("/dev/null", O_RDWR);
    char *own = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
    TRUE_OR_NOT(own != MAP_FAILED && shared != MAP_FAILED);
    own[5000] = shared[5000] = 1;
    IN_CHILD("child") {
        own[5000] = shared[5000] = 2;
    }
    printf("%d %d %d\n", own[5000], shared[5000], own[0]);
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, null, 0) == MAP_FAILED ? -1 : 0);
    return 0;
}
