/* mremap: in place, moved, to a fixed place, shrunk; its errors. */
#include "corpus.h"

int main(void)
{
    const int both = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    char *area = mmap(NULL, 16 * 4096, both, flags, -1, 0), *place;
    for (int i = 0; i < 16; i++)
        area[i * 4096] = 'a' + i;
    TRUE_OR_NOT(mremap(area, 16 * 4096, 8 * 4096, 0) == area);
    IN_CHILD("behind the new end")
        printf("%c\n", *(volatile char *)(area + 8 * 4096));
    TRUE_OR_NOT(mremap(area, 8 * 4096, 12 * 4096, 0) == area);
    printf("%c %d\n", area[7 * 4096], area[8 * 4096]);
    mmap(area + 12 * 4096, 4096, PROT_NONE, flags | MAP_FIXED, -1, 0);
    TRUE_OR_NOT(mremap(area, 12 * 4096, 20 * 4096, 0) == MAP_FAILED && errno == ENOMEM);
    place = mremap(area, 12 * 4096, 20 * 4096, MREMAP_MAYMOVE);
    TRUE_OR_NOT(place != MAP_FAILED && place != area);
    printf("%c %c %d\n", place[0], place[7 * 4096], place[19 * 4096]);
    IN_CHILD("where it was")
        printf("%c\n", *(volatile char *)area);
    char *fixed = mmap(NULL, 20 * 4096, PROT_NONE, flags, -1, 0);
    TRUE_OR_NOT(mremap(place, 20 * 4096, 20 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, fixed) == fixed);
    printf("%c %c\n", fixed[0], fixed[7 * 4096]);
#define REMAP(...) (mremap(__VA_ARGS__) == MAP_FAILED ? -1 : 0)
    SHOW(REMAP(fixed + 1, 4096, 8192, MREMAP_MAYMOVE));
    SHOW(REMAP(fixed, 4096, 0, 0));
    SHOW(REMAP(area, 4096, 8192, MREMAP_MAYMOVE));
    SHOW(REMAP(fixed, 4096, 4096, MREMAP_FIXED, area));
    SHOW(REMAP(fixed, 4096, 4096, 64));
    SHOW(REMAP(fixed, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, fixed + 4096));
    SHOW(REMAP(fixed, 40 * 4096, 41 * 4096, MREMAP_MAYMOVE));
    return 0;
}
