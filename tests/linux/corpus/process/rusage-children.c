/* wait4 gives a usage; that of the children counts only those waited for. */
#include "corpus.h"
#include <sys/resource.h>

int main(void)
{
    struct rusage usage;
    int status;
    memset(&usage, 0xff, sizeof usage);
    SHOW(getrusage(RUSAGE_CHILDREN, &usage));
    printf("children so far: %ld s\n", usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
    pid_t child = fork();
    if (child == 0) {
        volatile long sink = 0;
        for (long i = 0; i < 500000; i++)
            sink += i;
        _exit(0);
    }
    TRUE_OR_NOT(wait4(child, &status, 0, &usage) == child);
    TRUE_OR_NOT(usage.ru_utime.tv_sec < 100);
    SHOW(getrusage(RUSAGE_SELF, &usage));
    SHOW(getrusage(1, &usage));
    SHOW(getrusage(7, &usage));
    SHOW(getrusage(RUSAGE_SELF, (struct rusage *)8));
    return 0;
}
