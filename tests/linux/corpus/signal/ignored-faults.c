/* A fault cannot be ignored or blocked: the process ends. */
#include "corpus.h"

int main(void)
{
    sigset_t all;
    sigfillset(&all);
    IN_CHILD("ignored") {
        signal(SIGSEGV, SIG_IGN);
        *(volatile char *)NULL = 1;
    }
    IN_CHILD("blocked") {
        sigprocmask(SIG_BLOCK, &all, NULL);
        *(volatile char *)NULL = 1;
    }
    IN_CHILD("ignored, but sent") {
        signal(SIGSEGV, SIG_IGN);
        raise(SIGSEGV);
    }
    IN_CHILD("abort with SIGABRT ignored") {
        signal(SIGABRT, SIG_IGN);
        abort();
    }
    return 0;
}
