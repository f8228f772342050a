/* A signal to a process goes to a thread that does not block it; pthread_kill to the one meant. */
#include "corpus.h"
#include <pthread.h>

static pthread_t target;
static volatile int in_target = -1;

static void handler(int number)
{
    (void)number;
    in_target = pthread_equal(pthread_self(), target);
}

static void *body(void *argument)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (argument)
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    for (;;)
        pause();
}

int main(void)
{
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    signal(SIGUSR1, handler);
    signal(SIGUSR2, handler);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_create(&target, NULL, body, &set);
    sleep_ms(20);
    kill(getpid(), SIGUSR1);
    while (in_target == -1)
        sleep_ms(5);
    printf("the one that does not block it: %d\n", in_target);
    in_target = -1;
    pthread_kill(target, SIGUSR2);
    while (in_target == -1)
        sleep_ms(5);
    printf("the one meant: %d\n", in_target);
    pthread_kill(pthread_self(), SIGUSR1);
    sigpending(&pending);
    printf("pending for this one: %d\n", sigismember(&pending, SIGUSR1));
    printf("%s\n", pthread_kill(target, 99) == EINVAL ? "EINVAL" : "other");
    return 0;
}
