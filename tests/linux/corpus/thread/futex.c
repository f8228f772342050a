/* futex: wait, wake, time-outs, bit sets, requeue, errors. */
#include "corpus.h"
#include <linux/futex.h>

static int *words;

static long futex(int *word, int operation, long value, void *time, int *second, long third)
{
    return syscall(SYS_futex, word, operation, value, time, second, third);
}

static pid_t waiter(int word, int bits)
{
    pid_t child = fork();
    if (child == 0) {
        long result = bits ? futex(&words[word], FUTEX_WAIT_BITSET, 0, NULL, NULL, bits) : futex(&words[word], FUTEX_WAIT, 0, NULL, NULL, 0);
        _exit(result == 0 ? 10 : errno);
    }
    return child;
}

int main(void)
{
    struct timespec little = { 0, 10000000 }, wrong = { 0, -1 };
    words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    SHOW(futex(words, FUTEX_WAIT, 1, NULL, NULL, 0));
    SHOW(futex(words, FUTEX_WAIT, 0, &little, NULL, 0));
    SHOW(futex(words, FUTEX_WAIT, 0, &wrong, NULL, 0));
    SHOW(futex(words, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex((int *)((char *)words + 1), FUTEX_WAIT, 0, NULL, NULL, 0));
    SHOW(futex((int *)8, FUTEX_WAIT, 0, NULL, NULL, 0));
    SHOW(futex(words, 99, 0, NULL, NULL, 0));
    SHOW(futex(words, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
    SHOW(futex(words, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
    pid_t a = waiter(0, 0), b = waiter(0, 0);
    sleep_ms(30);
    SHOW(futex(words, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(words, FUTEX_WAKE, 10, NULL, NULL, 0));
    show_end("a", a);
    show_end("b", b);
    a = waiter(1, 1);
    sleep_ms(20);
    b = waiter(1, 2);
    sleep_ms(20);
    SHOW(futex(&words[1], FUTEX_WAKE_BITSET, 10, NULL, NULL, 2));
    show_end("b", b);
    SHOW(futex(&words[1], FUTEX_WAKE_BITSET, 10, NULL, NULL, -1));
    show_end("a", a);
    a = waiter(2, 0);
    b = waiter(2, 0);
    sleep_ms(30);
    SHOW(futex(&words[2], FUTEX_CMP_REQUEUE, 1, (void *)10, &words[3], 5));
    SHOW(futex(&words[2], FUTEX_CMP_REQUEUE, 1, (void *)10, &words[3], 0));
    SHOW(futex(&words[2], FUTEX_WAKE, 10, NULL, NULL, 0));
    SHOW(futex(&words[3], FUTEX_WAKE, 10, NULL, NULL, 0));
    show_end("a", a);
    show_end("b", b);
    a = waiter(4, 0);
    sleep_ms(20);
    SHOW(futex(&words[4], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
    SHOW(futex(&words[4], FUTEX_WAKE, 1, NULL, NULL, 0));
    show_end("a", a);
    return 0;
}
