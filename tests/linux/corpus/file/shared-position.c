/* Parent and child share an open file's position; two opens do not. */
#include "corpus.h"

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0644), own = open("file", O_RDWR);
    write(fd, "parent ", 7);
    IN_CHILD("child")
        write(fd, "child ", 6);
    write(fd, "parent again", 12);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(own, 0, SEEK_CUR));
    show_file("file");
    return 0;
}
