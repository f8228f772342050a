/* Terminal calls on what is no terminal, and on terminals of others. */
#include "corpus.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

int main(void)
{
    struct termios now;
    struct winsize size;
    int ends[2], master, slave;
    make_file("file", "x");
    int fd = open("file", O_RDWR);
    pipe(ends);
    SHOW(isatty(fd));
    printf("%s\n", errno_name(errno));
    SHOW(tcgetattr(fd, &now));
    SHOW(tcgetattr(ends[0], &now));
    SHOW(ioctl(fd, TIOCGWINSZ, &size));
    SHOW(tcgetpgrp(fd));
    SHOW(isatty(99));
    printf("%s\n", errno_name(errno));
    NEED(openpty(&master, &slave, NULL, NULL, NULL));
    SHOW(isatty(slave));
    SHOW(isatty(master));
    SHOW(tcgetpgrp(slave));
    SHOW(ioctl(slave, TIOCGWINSZ, &size));
    printf("%d %d\n", size.ws_row, size.ws_col);
    SHOW(ioctl(slave, TIOCGWINSZ, (void *)8));
    SHOW(ioctl(slave, 0x54ff, 0));
    SHOW(tcgetattr(slave, &now));
    printf("c_iflag %o, c_oflag %o, c_lflag %o\n", now.c_iflag, now.c_oflag, now.c_lflag);
    printf("VINTR %d, VQUIT %d, VERASE %d, VKILL %d, VEOF %d, VMIN %d, VSUSP %d\n", now.c_cc[VINTR], now.c_cc[VQUIT],
        now.c_cc[VERASE], now.c_cc[VKILL], now.c_cc[VEOF], now.c_cc[VMIN], now.c_cc[VSUSP]);
    TRUE_OR_NOT(strncmp(ttyname(slave), "/dev/pts/", 9) == 0);
    SHOW(lseek(slave, 0, SEEK_SET));
    close(slave);
    char byte;
    SHOW(read(master, &byte, 1));
    SHOW(open("/dev/tty", O_RDWR));
    return 0;
}
