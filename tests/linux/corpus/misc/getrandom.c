/* getrandom: flags, lengths, and that it is random. */
#include "corpus.h"
#include <sys/random.h>

int main(void)
{
    unsigned char one[64] = { 0 }, two[64] = { 0 };
    SHOW(getrandom(one, sizeof one, 0));
    SHOW(getrandom(two, sizeof two, GRND_NONBLOCK));
    TRUE_OR_NOT(memcmp(one, two, sizeof one) != 0);
    SHOW(getrandom(one, 0, 0));
    SHOW(getrandom(one, 8, GRND_RANDOM));
    SHOW(getrandom(one, 8, 0x100));
    SHOW(getrandom((void *)8, 8, 0));
    return 0;
}
