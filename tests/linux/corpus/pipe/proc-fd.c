/* A pipe opened again through /proc/self/fd, and what its name is. */
#include "corpus.h"

int main(void)
{
    int ends[2];
    char path[64], target[64], bytes[4];
    pipe(ends);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length > 0 ? length : 0] = 0;
    TRUE_OR_NOT(strncmp(target, "pipe:[", 6) == 0);
    int writes = open(path, O_WRONLY);
    SHOW(write(writes, "abc", 3));
    SHOW(read(ends[0], bytes, 4));
    return 0;
}
