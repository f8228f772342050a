/* set_tid_address: the kernel clears the word and wakes who waits for it, if somebody else has the same memory. */
#include "corpus.h"
#include <linux/futex.h>
#include <sched.h>

static int *word;

static int body(void *argument)
{
    (void)argument;
    syscall(SYS_set_tid_address, word);
    sleep_ms(20);
    return 0;
}

int main(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *word = 5;
    IN_CHILD("memory of its own") {
        TRUE_OR_NOT(syscall(SYS_set_tid_address, word) == getpid());
    }
    printf("%d\n", *word);
    pid_t child = clone(body, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 5)
        syscall(SYS_futex, word, FUTEX_WAIT, 5, NULL, NULL, 0);
    printf("%d\n", *word);
    show_end("the same memory", child);
    return 0;
}
