/* A handler that returns meets the same fault again; one that repairs it goes on. */
#include "corpus.h"

static char *area;
static int count;

static void handler(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (++count == 3)
        mprotect((void *)((uintptr_t)info->si_addr & ~4095UL), 4096, PROT_READ | PROT_WRITE);
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    area = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    area[5] = 9;
    printf("%d after %d faults\n", area[5], count);
    return 0;
}
