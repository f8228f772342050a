/* sigaltstack: used when asked for, shown as in use, refused while in use; a stack overflow can be handled. */
#include "corpus.h"
#include <setjmp.h>

static sigjmp_buf back;
static char room[65536];

static void handler(int number)
{
    char here;
    stack_t stack;
    sigaltstack(NULL, &stack);
    printf("%s on the alternate stack: %s, flags %d\n", signal_name(number), &here >= room && &here < room + sizeof room ? "yes" : "no",
        stack.ss_flags);
    stack_t other = { .ss_sp = room, .ss_size = sizeof room };
    SHOW(sigaltstack(&other, NULL));
    if (number == SIGSEGV)
        siglongjmp(back, 1);
}

static int deep(volatile char *above)
{
    volatile char more[4096];
    more[0] = above ? above[0] : 0;
    return deep(more) + more[0];
}

int main(void)
{
    stack_t stack = { .ss_sp = room, .ss_size = sizeof room }, old;
    struct sigaction action = { .sa_handler = handler };
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    SHOW(sigaltstack(&stack, &old));
    printf("before: %s\n", old.ss_flags == SS_DISABLE ? "SS_DISABLE" : "other");
    raise(SIGUSR1);
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    raise(SIGUSR1);
    if (sigsetjmp(back, 1) == 0)
        deep(NULL);
    printf("back from the overflow\n");
    stack.ss_size = 100;
    SHOW(sigaltstack(&stack, NULL));
    stack.ss_flags = 77;
    SHOW(sigaltstack(&stack, NULL));
    stack.ss_flags = SS_DISABLE;
    SHOW(sigaltstack(&stack, NULL));
    SHOW(sigaltstack(NULL, &old));
    printf("after: %s\n", old.ss_flags == SS_DISABLE ? "SS_DISABLE" : "other");
    SHOW(sigaltstack((stack_t *)8, NULL));
    return 0;
}
