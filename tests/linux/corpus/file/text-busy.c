/* A program that runs cannot be written; one that is open for writing cannot run. */
#include "corpus.h"

int main(void)
{
    SHOW(open("/proc/self/exe", O_WRONLY));
    SHOW(truncate("/proc/self/exe", 0));
    char bytes[4096];
    ssize_t length;
    int from = open("/bin/busybox", O_RDONLY), to = open("copy", O_WRONLY | O_CREAT, 0755);
    while ((length = read(from, bytes, sizeof bytes)) > 0)
        write(to, bytes, (size_t)length);
    IN_CHILD("while it is open for writing") {
        execl("./copy", "true", (char *)NULL);
        printf("%s\n", errno_name(errno));
    }
    close(to);
    IN_CHILD("closed")
        execl("./copy", "true", (char *)NULL);
    return 0;
}
