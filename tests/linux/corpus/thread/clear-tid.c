/* set_tid_address: the kernel clears the word and wakes who waits for it. */
#include "corpus.h"
#include <linux/futex.h>

int main(void)
{
    int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *word = 5;
    pid_t child = fork();
    if (child == 0) {
        TRUE_OR_NOT(syscall(SYS_set_tid_address, word) == getpid());
        sleep_ms(20);
        _exit(0);
    }
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 5)
        syscall(SYS_futex, word, FUTEX_WAIT, 5, NULL, NULL, 0);
    printf("%d\n", *word);
    show_end("child", child);
    return 0;
}
