/* A mutex keeps threads apart; its kinds; a timed lock runs out. */
#include "corpus.h"
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int count;

static void *body(void *argument)
{
    (void)argument;
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        int seen = count;
        if (i % 500 == 0)
            sched_yield();
        count = seen + 1;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *tries(void *which)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    printf("trylock %s\n", errno_name(pthread_mutex_trylock(which)));
    printf("timedlock %s\n", errno_name(pthread_mutex_timedlock(which, &until)));
    return NULL;
}

int main(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, body, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    printf("%d\n", count);
    pthread_mutexattr_t kind;
    pthread_mutex_t checked;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&checked, &kind);
    pthread_mutex_lock(&checked);
    printf("%s\n", errno_name(pthread_mutex_lock(&checked)));
    pthread_create(&threads[0], NULL, tries, &checked);
    pthread_join(threads[0], NULL);
    pthread_mutex_unlock(&checked);
    printf("%s\n", errno_name(pthread_mutex_unlock(&checked)));
    return 0;
}
