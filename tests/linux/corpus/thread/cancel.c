/* Cancelling: at a call that waits, with cleanup; disabled; asynchronous. */
#include "corpus.h"
#include <pthread.h>

static void cleanup(void *what)
{
    printf("cleanup %s\n", (const char *)what);
}

static void *waits(void *argument)
{
    (void)argument;
    pthread_cleanup_push(cleanup, "outer");
    pthread_cleanup_push(cleanup, "inner");
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *refuses(void *argument)
{
    (void)argument;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    sleep_ms(50);
    return (void *)8;
}

static void *spins(void *argument)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    *(volatile int *)argument = 1;
    for (;;)
        continue;
}

int main(void)
{
    pthread_t thread;
    void *result;
    volatile int ready = 0;
    pthread_create(&thread, NULL, waits, NULL);
    sleep_ms(20);
    printf("%d\n", pthread_cancel(thread));
    pthread_join(thread, &result);
    TRUE_OR_NOT(result == PTHREAD_CANCELED);
    pthread_create(&thread, NULL, refuses, NULL);
    sleep_ms(10);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    printf("%ld\n", (long)result);
    pthread_create(&thread, NULL, spins, (void *)&ready);
    while (!ready)
        sleep_ms(5);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    TRUE_OR_NOT(result == PTHREAD_CANCELED);
    return 0;
}
