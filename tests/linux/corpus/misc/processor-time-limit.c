/* RLIMIT_CPU: SIGXCPU at the soft limit, SIGKILL at the hard one. */
#include "corpus.h"
#include <sys/resource.h>

int main(void)
{
    IN_CHILD("soft") {
        struct rlimit limit = { 1, 5 };
        setrlimit(RLIMIT_CPU, &limit);
        for (;;)
            continue;
    }
    return 0;
}
