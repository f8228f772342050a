/* What mmap refuses. */
#include "corpus.h"

#define MAP(address, length, protection, flags, fd, offset) \
    (mmap((void *)(address), length, protection, flags, fd, offset) == MAP_FAILED ? -1 : 0)

int main(void)
{
    make_file("file", "hello");
    int read_only = open("file", O_RDONLY), write_only = open("file", O_WRONLY), directory = open(".", O_RDONLY);
    int both = open("file", O_RDWR), ends[2];
    pipe(ends);
    SHOW(MAP(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(MAP(0, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0));
    SHOW(MAP(0, 4096, PROT_READ, MAP_PRIVATE, -1, 0));
    SHOW(MAP(0, 4096, PROT_READ, MAP_PRIVATE, 99, 0));
    SHOW(MAP(0, 4096, PROT_READ, MAP_PRIVATE, both, 1));
    SHOW(MAP(1, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SHOW(MAP(0x800000000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SHOW(MAP(0, 1UL << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(MAP(0, -4096UL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(MAP(0, -1UL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(MAP(0, 4096, PROT_WRITE, MAP_SHARED, read_only, 0));
    SHOW(MAP(0, 4096, PROT_WRITE, MAP_PRIVATE, read_only, 0));
    SHOW(MAP(0, 4096, PROT_READ, MAP_PRIVATE, write_only, 0));
    SHOW(MAP(0, 4096, PROT_READ, MAP_SHARED, write_only, 0));
    SHOW(MAP(0, 4096, PROT_READ, MAP_SHARED, read_only, 0));
    SHOW(MAP(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, both, 0));
    SHOW(MAP(0, 4096, PROT_READ, MAP_PRIVATE, directory, 0));
    SHOW(MAP(0, 4096, PROT_READ, MAP_PRIVATE, ends[0], 0));
    SHOW(MAP(0, 4096, PROT_READ, MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(MAP(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 99, 12345));
    return 0;
}
