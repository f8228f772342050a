/* SIGFPE for a division of integers, by zero and of the smallest by -1, and for floating point with exceptions on. */
#include "corpus.h"
#include <setjmp.h>

static sigjmp_buf back;

static void handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    printf("%s code %d, address %s\n", signal_name(number), info->si_code, info->si_addr ? "given" : "none");
    siglongjmp(back, 1);
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(SIGFPE, &action, NULL);
    volatile int zero = 0, one = 1, least = -2147483647 - 1;
    if (sigsetjmp(back, 1) == 0)
        printf("%d\n", one / zero);
    if (sigsetjmp(back, 1) == 0)
        printf("%d\n", least / (zero - 1));
    unsigned control = 0x1f80 & ~(4u << 7);
    volatile double a = 1, b = 0;
    if (sigsetjmp(back, 1) == 0) {
        __asm__ volatile("ldmxcsr %0" : : "m"(control));
        a = a / b;
    }
    control = 0x1f80 & ~(1u << 7);
    if (sigsetjmp(back, 1) == 0) {
        __asm__ volatile("ldmxcsr %0" : : "m"(control));
        b = b / (a - a);
        a = 0.0 * b;
        b = 0;
        a = b / b;
    }
    return 0;
}
