/* fork in a thread gives a process with that thread alone. */
#include "corpus.h"
#include <pthread.h>

static void *spins(void *argument)
{
    for (;;) {
        ++*(volatile int *)argument;
        sleep_ms(1);
    }
}

static void *forks(void *argument)
{
    volatile int *count = argument;
    IN_CHILD("child") {
        int before = *count;
        TRUE_OR_NOT(syscall(SYS_gettid) == getpid());
        sleep_ms(20);
        printf("the other thread is not here: %s\n", *count == before ? "yes" : "no");
    }
    return NULL;
}

int main(void)
{
    static volatile int count;
    pthread_t one, two;
    pthread_create(&one, NULL, spins, (void *)&count);
    sleep_ms(5);
    pthread_create(&two, NULL, forks, (void *)&count);
    pthread_join(two, NULL);
    int before = count;
    sleep_ms(20);
    TRUE_OR_NOT(count > before);
    return 0;
}
