/* exec in a thread ends the others; the process keeps its identifier. */
#include "corpus.h"
#include <pthread.h>

static char **words_of_main;

static void *body(void *argument)
{
    (void)argument;
    char number[16];
    snprintf(number, sizeof number, "%d", getpid());
    execl("/proc/self/exe", words_of_main[0], number, (char *)NULL);
    return NULL;
}

int main(int count, char **words)
{
    if (count > 1) {
        TRUE_OR_NOT(getpid() == atoi(words[1]));
        TRUE_OR_NOT(syscall(SYS_gettid) == getpid());
        return 4;
    }
    pthread_t thread;
    words_of_main = words;
    pthread_create(&thread, NULL, body, NULL);
    for (;;)
        pause();
}
