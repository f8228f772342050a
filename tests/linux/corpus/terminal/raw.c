/* A raw terminal: bytes at once; VMIN and VTIME. */
#include "corpus.h"
#include <poll.h>
#include <pty.h>
#include <termios.h>

int main(void)
{
    int master, slave;
    char bytes[16];
    struct termios now;
    NEED(openpty(&master, &slave, NULL, NULL, NULL));
    SHOW(tcgetattr(slave, &now));
    cfmakeraw(&now);
    SHOW(tcsetattr(slave, TCSANOW, &now));
    write(master, "a\003\r\177", 4);
    SHOW(read(slave, bytes, 16));
    printf("%d %d %d %d\n", bytes[0], bytes[1], bytes[2], bytes[3]);
    write(slave, "x\ny", 3);
    SHOW(read(master, bytes, 16));
    now.c_cc[VMIN] = 0;
    now.c_cc[VTIME] = 0;
    tcsetattr(slave, TCSANOW, &now);
    SHOW(read(slave, bytes, 16));
    now.c_cc[VTIME] = 1;
    tcsetattr(slave, TCSANOW, &now);
    SHOW(read(slave, bytes, 16));
    write(master, "abc", 3);
    SHOW(read(slave, bytes, 2));
    SHOW(read(slave, bytes, 16));
    now.c_cc[VMIN] = 3;
    now.c_cc[VTIME] = 0;
    tcsetattr(slave, TCSANOW, &now);
    pid_t child = fork();
    if (child == 0) {
        write(master, "1", 1);
        sleep_ms(20);
        write(master, "2", 1);
        sleep_ms(20);
        write(master, "345", 3);
        _exit(0);
    }
    SHOW(read(slave, bytes, 16) >= 3);
    show_end("child", child);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    tcflush(slave, TCIFLUSH);
    SHOW(read(slave, bytes, 16));
    return 0;
}
