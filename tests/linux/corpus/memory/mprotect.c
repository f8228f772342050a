/* mprotect: what a page allows, errors, splitting and joining. */
#include "corpus.h"

int main(void)
{
    char *area = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(area, 5, 4 * 4096);
    SHOW(mprotect(area + 4096, 4096, PROT_READ));
    IN_CHILD("writes what is read-only")
        *(volatile char *)(area + 4096) = 1;
    IN_CHILD("reads it")
        printf("%d\n", *(volatile char *)(area + 4096));
    SHOW(mprotect(area + 4096, 4096, PROT_NONE));
    IN_CHILD("reads what nobody may touch")
        printf("%d\n", *(volatile char *)(area + 4096));
    SHOW(mprotect(area, 4 * 4096, PROT_READ | PROT_WRITE));
    printf("%d\n", area[4096]);
    area[4096] = 6;
    IN_CHILD("executes what is not executable")
        ((void (*)(void))area)();
    area[0] = (char)0xc3;
    SHOW(mprotect(area, 4096, PROT_READ | PROT_EXEC));
    IN_CHILD("executes")
        ((void (*)(void))area)();
    SHOW(mprotect(area + 1, 4096, PROT_READ));
    SHOW(mprotect(area, 0, PROT_READ));
    SHOW(mprotect(area, 4096, 0x100));
    SHOW(mprotect((void *)4096, 4096, PROT_READ));
    munmap(area + 8192, 4096);
    SHOW(mprotect(area, 4 * 4096, PROT_READ));
    make_file("file", "x");
    int fd = open("file", O_RDONLY);
    char *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(mprotect(shared, 4096, PROT_READ | PROT_WRITE));
    char *own = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    SHOW(mprotect(own, 4096, PROT_READ | PROT_WRITE));
    return 0;
}
