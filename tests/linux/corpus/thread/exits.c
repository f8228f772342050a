/* exit ends all threads; so does a signal; pthread_exit of the first leaves the others. */
#include "corpus.h"
#include <pthread.h>

static void *sleeps(void *argument)
{
    (void)argument;
    for (;;)
        pause();
}

static void *exits(void *argument)
{
    sleep_ms(20);
    exit((int)(long)argument);
}

static void *crashes(void *argument)
{
    sleep_ms(20);
    *(volatile char *)argument = 1;
    return NULL;
}

static void *says(void *argument)
{
    (void)argument;
    sleep_ms(50);
    printf("the last thread\n");
    return NULL;
}

int main(void)
{
    pthread_t thread;
    IN_CHILD("the first thread calls _exit") {
        pthread_create(&thread, NULL, sleeps, NULL);
        _exit(1);
    }
    IN_CHILD("a thread calls exit") {
        pthread_create(&thread, NULL, exits, (void *)9);
        pause();
    }
    IN_CHILD("a thread crashes") {
        pthread_create(&thread, NULL, crashes, NULL);
        pause();
    }
    IN_CHILD("the first thread ends") {
        pthread_create(&thread, NULL, says, NULL);
        pthread_exit(NULL);
    }
    IN_CHILD("SIGKILL") {
        pthread_create(&thread, NULL, sleeps, NULL);
        kill(getpid(), SIGKILL);
    }
    return 0;
}
