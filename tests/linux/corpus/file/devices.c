/* /dev/null, zero, full, urandom. */
#include "corpus.h"

int main(void)
{
    char bytes[64];
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
    int random = open("/dev/urandom", O_RDWR);
    SHOW(read(null, bytes, 10));
    SHOW(write(null, bytes, 10));
    SHOW(lseek(null, 100, SEEK_SET));
    memset(bytes, 1, sizeof bytes);
    SHOW(read(zero, bytes, 10));
    printf("%d %d\n", bytes[9], bytes[10]);
    SHOW(write(zero, bytes, 10));
    SHOW(read(full, bytes + 10, 10));
    printf("%d\n", bytes[19]);
    SHOW(write(full, bytes, 10));
    SHOW(write(full, bytes, 0));
    char other[64];
    SHOW(read(random, bytes, sizeof bytes));
    SHOW(read(random, other, sizeof other));
    TRUE_OR_NOT(memcmp(bytes, other, sizeof bytes) != 0);
    SHOW(ftruncate(null, 0));
    WORKS(open("/dev/null", O_RDWR | O_TRUNC | O_CREAT, 0644));
    SHOW(open("/dev/null", O_RDONLY | O_DIRECTORY));
    SHOW(open("/dev/missing", O_RDONLY));
    return 0;
}
