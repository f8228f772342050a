/* MAP_FIXED replaces what is there, MAP_FIXED_NOREPLACE does not. */
#include "corpus.h"
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

int main(void)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS, both = PROT_READ | PROT_WRITE;
    char *area = mmap(NULL, 5 * 4096, both, flags, -1, 0);
    memset(area, 'a', 5 * 4096);
    TRUE_OR_NOT(mmap(area + 4096, 4096, both, flags | MAP_FIXED, -1, 0) == area + 4096);
    printf("%c %d %c\n", area[0], area[4096], area[8192]);
    TRUE_OR_NOT(mmap(area, 4096, both, flags | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);
    SHOW(munmap(area + 2 * 4096, 4096));
    TRUE_OR_NOT(mmap(area + 2 * 4096, 4096, both, flags | MAP_FIXED_NOREPLACE, -1, 0) == area + 2 * 4096);
    TRUE_OR_NOT(mmap(area + 2 * 4096, 4096, both, flags, -1, 0) != area + 2 * 4096);
    printf("%c %d %d %c\n", area[0], area[4096], area[8192], area[12288]);
    return 0;
}
