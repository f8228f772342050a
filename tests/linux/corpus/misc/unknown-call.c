/* A number that no call has is ENOSYS. */
#include "corpus.h"

int main(void)
{
    SHOW(syscall(4000L));
    SHOW(syscall(-1L));
    SHOW(syscall(0x7fffffffL));
    SHOW(syscall(500000L, 1, 2, 3));
    return 0;
}
