/* A robust mutex whose owner has died says so to the next. */
#include "corpus.h"
#include <pthread.h>

int main(void)
{
    pthread_mutex_t *mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(mutex, &kind);
    IN_CHILD("owner")
        pthread_mutex_lock(mutex);
    printf("%s\n", errno_name(pthread_mutex_lock(mutex)));
    printf("%d\n", pthread_mutex_consistent(mutex));
    printf("%d\n", pthread_mutex_unlock(mutex));
    IN_CHILD("killed owner") {
        pthread_mutex_lock(mutex);
        kill(getpid(), SIGKILL);
    }
    printf("%s\n", errno_name(pthread_mutex_lock(mutex)));
    printf("%d\n", pthread_mutex_unlock(mutex));
    printf("%s\n", errno_name(pthread_mutex_lock(mutex)));
    void *head;
    size_t length;
    SHOW(syscall(SYS_get_robust_list, 0, &head, &length));
    printf("%zu\n", length);
    SHOW(syscall(SYS_set_robust_list, head, 5L));
    SHOW(syscall(SYS_get_robust_list, 999999, &head, &length));
    return 0;
}
