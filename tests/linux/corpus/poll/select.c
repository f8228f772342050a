/* select: sets, counts, errors, and the time that is left. */
#include "corpus.h"
#include <sys/select.h>

int main(void)
{
    int ends[2];
    fd_set in, out, except;
    struct timeval time = { 0, 20000 };
    pipe(ends);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    FD_SET(ends[0], &in);
    SHOW(select(ends[1] + 1, &in, NULL, NULL, &time));
    printf("%d, left %ld\n", FD_ISSET(ends[0], &in) != 0, (long)time.tv_sec + time.tv_usec);
    write(ends[1], "x", 1);
    FD_SET(ends[0], &in);
    FD_SET(ends[1], &out);
    FD_SET(ends[0], &except);
    time.tv_sec = 100;
    SHOW(select(ends[1] + 1, &in, &out, &except, &time));
    printf("%d %d %d, left more than 90 s: %d\n", FD_ISSET(ends[0], &in) != 0, FD_ISSET(ends[1], &out) != 0,
        FD_ISSET(ends[0], &except) != 0, time.tv_sec >= 90);
    FD_ZERO(&in);
    FD_SET(40, &in);
    SHOW(select(41, &in, NULL, NULL, &time));
    SHOW(select(40, &in, NULL, NULL, &(struct timeval){ 0, 0 }));
    SHOW(select(-1, NULL, NULL, NULL, NULL));
    SHOW(select(0, NULL, NULL, NULL, &(struct timeval){ 0, 1000 }));
    SHOW(select(0, NULL, NULL, NULL, &(struct timeval){ -1, 0 }));
    struct timespec none = { 0, 0 };
    SHOW(pselect(0, NULL, NULL, NULL, &none, NULL));
    return 0;
}
