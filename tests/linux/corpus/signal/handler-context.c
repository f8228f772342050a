/* A handler sees and changes the registers it interrupted; flags and vector registers come back. */
#include "corpus.h"
#include <ucontext.h>

static void handler(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    ucontext_t *state = context;
    printf("rbx %llx, carry %d\n", (unsigned long long)state->uc_mcontext.gregs[REG_RBX],
        (int)state->uc_mcontext.gregs[REG_EFL] & 1);
    state->uc_mcontext.gregs[REG_RBX] = 0x5678;
    __asm__ volatile("pxor %%xmm7, %%xmm7; std; cld" : : : "xmm7");
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(SIGILL, &action, NULL);
    struct sigaction skip = action;
    (void)skip;
    sigaction(SIGTRAP, &action, NULL);
    uint64_t rbx, vector, carry;
    __asm__ volatile("mov $0x1234, %%rbx; movq %%rbx, %%xmm7; stc; int3; setc %%al; movzbl %%al, %%eax; movq %%xmm7, %%rcx"
                     : "=b"(rbx), "=a"(carry), "=c"(vector) : : "xmm7", "cc", "memory");
    printf("rbx %llx, xmm7 %llx, carry %llu\n", (unsigned long long)rbx, (unsigned long long)vector, (unsigned long long)carry);
    return 0;
}
