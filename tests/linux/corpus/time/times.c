/* times and clock count what was used. */
#include "corpus.h"
#include <sys/times.h>

int main(void)
{
    struct tms used;
    WORKS(times(&used));
    TRUE_OR_NOT(used.tms_utime >= 0 && used.tms_cutime == 0 && used.tms_cstime == 0);
    WORKS(times(NULL));
    SHOW(syscall(SYS_times, 8L));
    TRUE_OR_NOT(sysconf(_SC_CLK_TCK) == 100);
    return 0;
}
