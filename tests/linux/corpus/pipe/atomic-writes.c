/* Writes of up to PIPE_BUF are not mixed with others; one that blocks is finished when there is room. */
#include "corpus.h"

enum { WRITERS = 4, TIMES = 50, LENGTH = 512 };

int main(void)
{
    int ends[2], mixed = 0, counts[WRITERS] = { 0 };
    char bytes[LENGTH];
    pipe(ends);
    for (int writer = 0; writer < WRITERS; writer++)
        if (fork() == 0) {
            memset(bytes, 'a' + writer, LENGTH);
            for (int i = 0; i < TIMES; i++)
                write(ends[1], bytes, LENGTH);
            _exit(0);
        }
    close(ends[1]);
    for (;;) {
        ssize_t have = 0, got;
        while (have < LENGTH && (got = read(ends[0], bytes + have, (size_t)(LENGTH - have))) > 0)
            have += got;
        if (have == 0)
            break;
        counts[bytes[0] - 'a']++;
        for (int i = 1; i < LENGTH; i++)
            mixed += bytes[i] != bytes[0];
    }
    printf("%d %d %d %d, mixed %d\n", counts[0], counts[1], counts[2], counts[3], mixed);
    while (wait(NULL) > 0)
        continue;
    return 0;
}
