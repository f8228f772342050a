/* SIGTRAP for int3 and single steps, SIGILL for ud2, SIGSEGV for privileged instructions and other vectors. */
#include "corpus.h"
#include <ucontext.h>

static void handler(int number, siginfo_t *info, void *context)
{
    ucontext_t *state = context;
    unsigned char *at = (unsigned char *)state->uc_mcontext.gregs[REG_RIP];
    static int steps;
    if (number == SIGTRAP && info->si_code == TRAP_TRACE) {
        if (++steps == 3) {
            printf("three single steps\n");
            state->uc_mcontext.gregs[REG_EFL] &= ~0x100L;
        }
        return;
    }
    printf("%s, code %d, trap %d\n", signal_name(number), info->si_code, (int)state->uc_mcontext.gregs[REG_TRAPNO]);
    if (number == SIGILL)
        state->uc_mcontext.gregs[REG_RIP] += 2;
    if (number == SIGSEGV)
        state->uc_mcontext.gregs[REG_RIP] += at[0] == 0xcd || at[0] == 0x0f ? (at[0] == 0x0f && at[1] == 0x20 ? 3 : 2) : 1;
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(SIGTRAP, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    __asm__ volatile("int3");
    __asm__ volatile("ud2");
    __asm__ volatile("hlt");
    __asm__ volatile("cli");
    __asm__ volatile("int $0x21");
    __asm__ volatile("mov %%cr0, %%rax" : : : "rax");
    __asm__ volatile("wrmsr" : : "a"(0), "c"(0), "d"(0));
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop; nop; nop; nop" : : : "memory", "cc");
    printf("goes on\n");
    return 0;
}
