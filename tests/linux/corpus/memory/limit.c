/* RLIMIT_AS: mmap and brk say ENOMEM, and what is there goes on. */
#include "corpus.h"
#include <sys/resource.h>

int main(void)
{
    struct rlimit limit = { 64 << 20, 64 << 20 };
    SHOW(setrlimit(RLIMIT_AS, &limit));
    TRUE_OR_NOT(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    printf("%s\n", errno_name(errno));
    char *some = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRUE_OR_NOT(some != MAP_FAILED);
    some[0] = 1;
    char *here = (char *)syscall(SYS_brk, 0L);
    TRUE_OR_NOT((char *)syscall(SYS_brk, here + (100 << 20)) == here);
    TRUE_OR_NOT(malloc(100 << 20) == NULL);
    TRUE_OR_NOT(mremap(some, 16 << 20, 100 << 20, MREMAP_MAYMOVE) == MAP_FAILED);
    IN_CHILD("a child") {
        TRUE_OR_NOT(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    }
    return 0;
}
