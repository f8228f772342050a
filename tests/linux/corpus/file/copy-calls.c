/* sendfile, splice, tee and copy_file_range: positions, ends, errors. */
#include "corpus.h"
#include <sys/sendfile.h>

int main(void)
{
    off_t at = 2;
    loff_t from = 3, to = 1;
    int ends[2], other[2];
    make_file("in", "0123456789");
    int in = open("in", O_RDONLY), out = open("out", O_RDWR | O_CREAT, 0644);
    SHOW(sendfile(out, in, &at, 4));
    printf("%ld, %ld\n", (long)at, (long)lseek(in, 0, SEEK_CUR));
    SHOW(sendfile(out, in, NULL, 100));
    SHOW(sendfile(out, in, NULL, 100));
    show_file("out");
    SHOW(copy_file_range(in, &from, out, &to, 3, 0));
    show_file("out");
    printf("%ld %ld\n", (long)from, (long)to);
    SHOW(copy_file_range(in, NULL, out, NULL, 3, 1));
    from = 100;
    SHOW(copy_file_range(in, &from, out, &to, 3, 0));
    NEED(pipe(ends));
    NEED(pipe(other));
    from = 0;
    SHOW(splice(in, &from, ends[1], NULL, 5, 0));
    SHOW(tee(ends[0], other[1], 3, 0));
    char bytes[16] = "";
    SHOW(read(other[0], bytes, 16));
    printf("%s\n", bytes);
    to = 0;
    SHOW(splice(ends[0], NULL, out, &to, 100, 0));
    show_file("out");
    SHOW(splice(ends[0], NULL, out, NULL, 100, SPLICE_F_NONBLOCK));
    SHOW(splice(in, NULL, out, NULL, 100, 0));
    SHOW(splice(in, NULL, ends[1], &to, 100, 0));
    SHOW(sendfile(in, out, NULL, 10));
    SHOW(sendfile(out, ends[0], NULL, 10) == -1 ? -1 : 0);
    SHOW(copy_file_range(in, NULL, ends[1], NULL, 3, 0));
    return 0;
}
