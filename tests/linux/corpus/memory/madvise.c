/* MADV_DONTNEED empties pages at once; unknown advice and unmapped pages are errors. */
#include "corpus.h"

int main(void)
{
    char *area = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(area, 7, 4 * 4096);
    SHOW(madvise(area + 4096, 4096, MADV_DONTNEED));
    printf("%d %d %d\n", area[4095], area[4096], area[8192]);
    SHOW(madvise(area, 4096, MADV_NORMAL));
    SHOW(madvise(area, 4096, MADV_SEQUENTIAL));
    SHOW(madvise(area, 4096, MADV_WILLNEED));
    SHOW(madvise(area, 4096, 9999));
    SHOW(madvise(area + 1, 4096, MADV_DONTNEED));
    SHOW(madvise(area, 0, MADV_DONTNEED));
    munmap(area + 8192, 4096);
    SHOW(madvise(area, 4 * 4096, MADV_DONTNEED));
    printf("%d %d\n", area[0], area[3 * 4096]);
    make_file("file", "abc");
    int fd = open("file", O_RDWR);
    char *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    own[0] = 'X';
    SHOW(madvise(own, 4096, MADV_DONTNEED));
    printf("%.3s\n", own);
    SHOW(madvise(area, 4096, MADV_DONTFORK));
    IN_CHILD("after MADV_DONTFORK")
        printf("%d\n", *(volatile char *)area);
    return 0;
}
