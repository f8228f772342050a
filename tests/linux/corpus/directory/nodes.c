/* mknod: kinds of files. */
#include "corpus.h"
#include <sys/sysmacros.h>

int main(void)
{
    struct stat is;
    SHOW(mknod("file", S_IFREG | 0600, 0));
    SHOW(mknod("plain", 0600, 0));
    SHOW(mknod("fifo", S_IFIFO | 0600, 0));
    SHOW(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
    SHOW(mknod("socket", S_IFSOCK | 0600, 0));
    SHOW(mknod("dir", S_IFDIR | 0600, 0));
    SHOW(mknod("link", S_IFLNK | 0600, 0));
    SHOW(mknod("file", S_IFREG | 0600, 0));
    stat("null", &is);
    printf("%o %u:%u\n", is.st_mode, major(is.st_rdev), minor(is.st_rdev));
    int fd = open("null", O_WRONLY);
    SHOW(write(fd, "x", 1));
    stat("socket", &is);
    printf("%o\n", is.st_mode);
    SHOW(open("socket", O_RDONLY));
    SHOW(mknod("nothing", S_IFCHR | 0600, makedev(250, 250)));
    SHOW(open("nothing", O_RDONLY));
    return 0;
}
