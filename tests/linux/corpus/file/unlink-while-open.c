/* A file without a name lives as long as somebody has it open. */
#include "corpus.h"

int main(void)
{
    char bytes[16] = "";
    struct stat is;
    make_file("file", "content");
    int fd = open("file", O_RDWR);
    SHOW(unlink("file"));
    SHOW(open("file", O_RDONLY));
    fstat(fd, &is);
    printf("links %d, size %ld\n", (int)is.st_nlink, (long)is.st_size);
    SHOW(write(fd, "C", 1));
    SHOW(pread(fd, bytes, 15, 0));
    printf("%s\n", bytes);
    IN_CHILD("a child has it too") {
        SHOW(pread(fd, bytes, 15, 0));
    }
    make_file("file", "another");
    SHOW(pread(fd, bytes, 15, 0));
    printf("%s\n", bytes);
    char path[64], target[128];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length > 0 ? length : 0] = 0;
    printf("%s\n", strrchr(target, '/'));
    return 0;
}
