/* getrlimit, setrlimit, prlimit: what can be lowered and raised, by whom. */
#include "corpus.h"
#include <sys/resource.h>

int main(void)
{
    struct rlimit limit, new;
    SHOW(getrlimit(RLIMIT_NOFILE, &limit));
    TRUE_OR_NOT(limit.rlim_cur <= limit.rlim_max);
    SHOW(getrlimit(RLIMIT_CORE, &limit));
    SHOW(getrlimit(77, &limit));
    SHOW(getrlimit(RLIMIT_NOFILE, (struct rlimit *)8));
    new = (struct rlimit){ 100, 50 };
    SHOW(setrlimit(RLIMIT_NOFILE, &new));
    new = (struct rlimit){ 50, 100 };
    SHOW(prlimit(0, RLIMIT_NOFILE, &new, &limit));
    SHOW(prlimit(getpid(), RLIMIT_NOFILE, NULL, &limit));
    printf("%ld %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
    IN_CHILD("child inherits") {
        getrlimit(RLIMIT_NOFILE, &limit);
        printf("%ld %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
        setuid(1000);
        new = (struct rlimit){ 100, 100 };
        SHOW(setrlimit(RLIMIT_NOFILE, &new));
        new = (struct rlimit){ 100, 101 };
        SHOW(setrlimit(RLIMIT_NOFILE, &new));
        new = (struct rlimit){ 10, 10 };
        SHOW(setrlimit(RLIMIT_NOFILE, &new));
        SHOW(prlimit(1, RLIMIT_NOFILE, NULL, &limit));
    }
    SHOW(prlimit(999999, RLIMIT_NOFILE, NULL, &limit));
    return 0;
}
