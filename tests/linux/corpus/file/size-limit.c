/* RLIMIT_FSIZE: a short write, then SIGXFSZ and EFBIG. */
#include "corpus.h"
#include <sys/resource.h>

static void handler(int number)
{
    printf("%s\n", signal_name(number));
}

int main(void)
{
    struct rlimit limit = { 10, 10 };
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, handler);
    SHOW(write(fd, "01234567", 8));
    SHOW(write(fd, "89abcdef", 8));
    SHOW(write(fd, "x", 1));
    SHOW(ftruncate(fd, 11));
    SHOW(pwrite(fd, "y", 1, 9));
    signal(SIGXFSZ, SIG_DFL);
    IN_CHILD("by default")
        write(fd, "x", 1);
    return 0;
}
