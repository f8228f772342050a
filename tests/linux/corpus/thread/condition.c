/* Condition variables: a queue between two threads, a wait that times out. */
#include "corpus.h"
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int slot = -1;
static long sum;

static void *consumer(void *argument)
{
    (void)argument;
    for (;;) {
        pthread_mutex_lock(&mutex);
        while (slot == -1)
            pthread_cond_wait(&changed, &mutex);
        int got = slot;
        slot = -1;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
        if (got == 0)
            return NULL;
        sum += got;
    }
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, consumer, NULL);
    for (int i = 200; i >= 0; i--) {
        pthread_mutex_lock(&mutex);
        while (slot != -1)
            pthread_cond_wait(&changed, &mutex);
        slot = i;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    pthread_join(thread, NULL);
    printf("%ld\n", sum);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    pthread_mutex_lock(&mutex);
    printf("%s\n", errno_name(pthread_cond_timedwait(&changed, &mutex, &until)));
    return 0;
}
