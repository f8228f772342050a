/* Stacks and signal frames that are not what they should be. */
#include "hostile.h"
#include <ucontext.h>

static unsigned wish;

/* Ruins the frame that it returns through. */
static void ruin(int number, siginfo_t *information, void *context)
{
    ucontext_t *state = context;
    greg_t *registers = state->uc_mcontext.gregs;
    (void)number;
    (void)information;
    uint64_t value = chance() % 2 ? chance() : (uint64_t)0xffff800000000000 >> (chance() % 3 * 16);
    switch (wish % 16) {
    case 0: registers[REG_RIP] = (greg_t)value; break;
    case 1: registers[REG_RSP] = (greg_t)value; break;
    case 2: registers[REG_EFL] = (greg_t)value; break;
    case 3: registers[REG_EFL] |= 0x3000 | 0x4000 | 0x100 | 0x20000; break;
    case 4: registers[REG_CSGSFS] = (greg_t)value; break;
    case 5: registers[REG_CSGSFS] = 0x0008000800080008; break;
    case 6: state->uc_mcontext.fpregs = (void *)value; break;
    case 7: state->uc_mcontext.fpregs = (void *)((char *)state->uc_mcontext.fpregs + 1); break;
    case 8: memset(state->uc_mcontext.fpregs, 0xff, 512); break;
    case 9: memset((char *)state->uc_mcontext.fpregs + 464, (int)value, 48); break;
    case 10: memset(state->uc_mcontext.fpregs, (int)value, 2696); break;
    case 11: memset(state, (int)value, sizeof *state); break;
    case 12: state->uc_stack.ss_sp = (void *)value; state->uc_stack.ss_size = chance(); state->uc_stack.ss_flags = (int)chance(); break;
    case 13: memset(&state->uc_sigmask, 0xff, sizeof state->uc_sigmask); break;
    case 14: munmap((void *)((uintptr_t)state & ~4095ul), 8192); break;
    case 15: for (int i = 0; i < NGREG; i++) registers[i] = (greg_t)chance(); break;
    }
}

static void deeper(int number)
{
    char room[600];
    memset(room, number, sizeof room);
    kill(getpid(), SIGUSR1);
    __asm__ volatile("" : : "r"(room) : "memory");
}

static void child(unsigned i)
{
    struct sigaction action = { .sa_sigaction = ruin, .sa_flags = SA_SIGINFO | SA_NODEFER };
    static char stack[16384];
    stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
    state += i * 77;
    wish = i;
    switch (i % 5) {
    case 0:
    case 1:
        sigaction(SIGUSR1, &action, NULL);
        kill(getpid(), SIGUSR1);
        break;
    case 2: /* No stack worth the name when the signal comes. */
        sigaction(SIGUSR1, &action, NULL);
        sigaction(SIGALRM, &action, NULL);
        {
            struct itimerval soon = { { 0, 1000 }, { 0, 1000 } };
            setitimer(ITIMER_REAL, &soon, NULL);
            uint64_t wild = chance() << (chance() % 32);
            __asm__ volatile("mov %0, %%rsp; 1: pause; jmp 1b" : : "r"(wild) : "memory");
        }
        break;
    case 3: /* sigreturn without a frame. */
        __asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall" : : "r"(i % 2 ? (uint64_t)stack + chance() % 8000 : chance()) : "memory");
        break;
    case 4: /* Handlers in handlers, until the alternate stack is full. */
        sigaltstack(&alternate, NULL);
        action.sa_handler = deeper;
        action.sa_flags = SA_ONSTACK | SA_NODEFER;
        sigaction(SIGUSR1, &action, NULL);
        kill(getpid(), SIGUSR1);
        break;
    }
    _exit(0);
}

int main(void)
{
    begin();
    for (unsigned i = 0; i < 240; i++) {
        pid_t pid = fork();
        if (pid == 0)
            child(i);
        take_back(pid, 100);
        if (i % 20 == 19)
            audit();
    }
    finish("frames");
}
