/* A megabyte through a pipe arrives whole, in order. */
#include "corpus.h"

int main(void)
{
    static unsigned char out[1 << 20], in[(1 << 20) + 1];
    int ends[2];
    for (unsigned i = 0; i < sizeof out; i++)
        out[i] = (unsigned char)(i * 7 + (i >> 8));
    pipe(ends);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        printf("written %zd\n", write(ends[1], out, sizeof out));
        _exit(0);
    }
    close(ends[1]);
    size_t have = 0;
    ssize_t got;
    while ((got = read(ends[0], in + have, sizeof in - have)) > 0)
        have += (size_t)got;
    printf("read %zu, equal: %s\n", have, memcmp(in, out, sizeof out) == 0 ? "yes" : "no");
    show_end("child", child);
    return 0;
}
