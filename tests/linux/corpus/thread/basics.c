/* Threads: arguments, results, shared memory, their own errno and identifiers. */
#include "corpus.h"
#include <pthread.h>

static int shared;
static __thread int own = 5;

static void *body(void *argument)
{
    own += (int)(long)argument;
    __atomic_add_fetch(&shared, own, __ATOMIC_SEQ_CST);
    errno = 77;
    TRUE_OR_NOT(syscall(SYS_gettid) != getpid());
    return (void *)(long)own;
}

int main(void)
{
    pthread_t threads[4];
    errno = 3;
    for (long i = 0; i < 4; i++) {
        void *result;
        NEED(pthread_create(&threads[i], NULL, body, (void *)i) == 0 ? 0 : -1);
        printf("join %d", pthread_join(threads[i], &result));
        printf(", result %ld\n", (long)result);
    }
    printf("shared %d, own %d, errno %d\n", shared, own, errno);
    printf("%s\n", errno_name(pthread_join(pthread_self(), NULL)));
    return 0;
}
