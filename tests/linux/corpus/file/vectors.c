/* readv, writev, preadv, pwritev: pieces, none, too many, wrong lengths. */
#include "corpus.h"
#include <limits.h>
#include <sys/uio.h>

int main(void)
{
    char a[4] = "", b[4] = "", c[8] = "";
    struct iovec out[3] = { { "abc", 3 }, { "", 0 }, { "defgh", 5 } }, in[3] = { { a, 3 }, { b, 2 }, { c, 7 } };
    static struct iovec many[IOV_MAX + 1];
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    SHOW(writev(fd, out, 3));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(readv(fd, in, 3));
    printf("%s %s %s\n", a, b, c);
    SHOW(readv(fd, in, 3));
    SHOW(preadv(fd, in, 2, 2));
    printf("%s %s\n", a, b);
    SHOW(pwritev(fd, out, 1, 6));
    show_file("file");
    SHOW(writev(fd, out, 0));
    SHOW(writev(fd, out, -1));
    SHOW(writev(fd, many, IOV_MAX));
    SHOW(writev(fd, many, IOV_MAX + 1));
    out[0].iov_len = (size_t)-1;
    SHOW(writev(fd, out, 1));
    out[0] = (struct iovec){ "abc", 3 };
    out[1] = (struct iovec){ (void *)8, 3 };
    SHOW(writev(fd, out, 3));
    SHOW(preadv(fd, in, 1, -1));
    SHOW(preadv2(fd, in, 1, 0, 0x10000));
    return 0;
}
