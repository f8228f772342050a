/* A terminal gives lines: editing, end of file, what is echoed, what is written with a carriage return. */
#include "corpus.h"
#include <poll.h>
#include <termios.h>
#include <pty.h>

static void dump(const char *what, int fd)
{
    char bytes[256];
    struct pollfd one = { .fd = fd, .events = POLLIN };
    printf("%s:", what);
    if (poll(&one, 1, 50) == 1 && one.revents & POLLIN) {
        ssize_t length = read(fd, bytes, sizeof bytes);
        printf(" %zd \"", length);
        for (ssize_t i = 0; i < length; i++)
            printf(bytes[i] >= ' ' && bytes[i] < 0x7f ? "%c" : "\\%02x", (unsigned char)bytes[i]);
        printf("\"");
    }
    printf("\n");
}

#define TYPE(bytes) (write(master, bytes, sizeof bytes - 1))

int main(void)
{
    int master, slave;
    NEED(openpty(&master, &slave, NULL, NULL, NULL));
    TYPE("abc");
    dump("half a line", slave);
    dump("echo", master);
    TYPE("d\n");
    dump("a line", slave);
    dump("echo", master);
    TYPE("xy\177z\n");
    dump("erased", slave);
    dump("echo", master);
    TYPE("first word\027x\025again\n");
    dump("killed", slave);
    dump("echo", master);
    TYPE("one\ntwo\n");
    dump("first of two", slave);
    dump("second of two", slave);
    dump("echo", master);
    TYPE("tail\004");
    dump("without a line's end", slave);
    TYPE("\004");
    dump("end of file", slave);
    TYPE("\026\003\n");
    dump("quoted", slave);
    dump("echo", master);
    write(slave, "a\nb\tc", 5);
    dump("written", master);
    char bytes[4];
    TYPE("longer\n");
    SHOW(read(slave, bytes, 4));
    SHOW(read(slave, bytes, 4));
    return 0;
}
