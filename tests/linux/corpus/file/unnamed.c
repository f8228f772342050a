/* O_TMPFILE makes a file without a name, which linkat can give one. */
#include "corpus.h"

int main(void)
{
    struct stat is;
    char path[64];
    int fd = (int)NEED(open(".", O_TMPFILE | O_RDWR, 0640));
    SHOW(write(fd, "hello", 5));
    fstat(fd, &is);
    printf("links %d, mode %o\n", (int)is.st_nlink, is.st_mode);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    show_file("named");
    fstat(fd, &is);
    printf("links %d\n", (int)is.st_nlink);
    fd = (int)NEED(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "other", AT_SYMLINK_FOLLOW));
    SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
    SHOW(open("named", O_TMPFILE | O_RDWR, 0600));
    return 0;
}
