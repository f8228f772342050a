/* truncate and ftruncate: longer, shorter, zeros where it was cut, errors. */
#include "corpus.h"

int main(void)
{
    int ends[2];
    make_file("file", "0123456789");
    mkdir("dir", 0755);
    SHOW(truncate("file", 4));
    show_file("file");
    SHOW(truncate("file", 8));
    show_file("file");
    SHOW(truncate("file", -1));
    SHOW(truncate("missing", 0));
    SHOW(truncate("dir", 0));
    SHOW(truncate("file/x", 0));
    int fd = open("file", O_RDONLY);
    SHOW(ftruncate(fd, 0));
    SHOW(ftruncate(99, 0));
    pipe(ends);
    SHOW(ftruncate(ends[1], 0));
    fd = open("file", O_WRONLY);
    lseek(fd, 6, SEEK_SET);
    SHOW(ftruncate(fd, 2));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(write(fd, "x", 1));
    show_file("file");
    return 0;
}
