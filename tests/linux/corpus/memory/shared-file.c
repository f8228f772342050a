/* A shared map and the file are the same bytes; a private map's writes stay its own. */
#include "corpus.h"

int main(void)
{
    make_file("file", "0123456789");
    int fd = open("file", O_RDWR);
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *other = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    char *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    shared[0] = 'A';
    show_file("file");
    printf("%.10s %.10s\n", other, own);
    own[1] = 'B';
    show_file("file");
    pwrite(fd, "C", 1, 2);
    printf("%.10s %.10s\n", shared, own);
    IN_CHILD("child") {
        shared[3] = 'D';
        own[4] = 'E';
    }
    close(fd);
    printf("%.10s %.10s\n", other, own);
    SHOW(msync(shared, 4096, MS_SYNC));
    SHOW(msync(shared, 4096, MS_SYNC | MS_ASYNC));
    SHOW(msync(shared + 1, 4096, MS_SYNC));
    SHOW(unlink("file"));
    shared[5] = 'F';
    printf("%.10s\n", other);
    return 0;
}
