/* SIGSEGV says whether nothing is there or it is not allowed, and where. */
#include "corpus.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile char *at;

static void handler(int number, siginfo_t *info, void *context)
{
    ucontext_t *state = context;
    long error = state->uc_mcontext.gregs[REG_ERR];
    printf("%s %s, address %s, trap %d, %s %s\n", signal_name(number),
        info->si_code == SEGV_MAPERR ? "SEGV_MAPERR" : info->si_code == SEGV_ACCERR ? "SEGV_ACCERR"
        : info->si_code == SI_KERNEL ? "SI_KERNEL" : "other",
        info->si_addr == at ? "right" : info->si_addr == NULL ? "none" : "wrong", (int)state->uc_mcontext.gregs[REG_TRAPNO],
        error & 2 ? "write" : error & 16 ? "fetch" : "read", error & 1 ? "present" : "absent");
    siglongjmp(back, 1);
}

#define TRY(what) \
    do { \
        if (sigsetjmp(back, 1) == 0) { \
            printf("%s: ", #what); \
            what; \
            printf("nothing happened\n"); \
        } \
    } while (0)

int main(void)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    char *area = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(area, 1, 3 * 4096);
    mprotect(area, 4096, PROT_READ);
    mprotect(area + 4096, 4096, PROT_NONE);
    munmap(area + 2 * 4096, 4096);
    at = area + 10;
    TRY(*at = 1);
    TRY((void)*at);
    at = area + 4096 + 20;
    TRY((void)*at);
    TRY(*at = 1);
    at = area + 8192 + 30;
    TRY((void)*at);
    TRY(*at = 1);
    at = NULL;
    TRY((void)*at);
    TRY(*at = 1);
    at = area + 16;
    TRY(((void (*)(void))at)());
    at = (char *)0x8000000000000000;
    TRY((void)*at);
    at = (char *)0xffffffff81000000;
    TRY((void)*at);
    return 0;
}
