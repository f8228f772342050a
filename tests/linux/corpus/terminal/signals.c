/* ^C, ^\ and ^Z go to the foreground group; SIGWINCH when the size changes; SIGHUP when the line goes. */
#include "corpus.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

static void handler(int number)
{
    printf("%s\n", signal_name(number));
}

int main(void)
{
    int master, status;
    struct winsize size = { 30, 100, 0, 0 };
    char byte;
    int said[2];
    pipe(said);
    pid_t child = forkpty(&master, NULL, NULL, &size);
    if (child == 0) {
        dup2(said[1], 1);
        signal(SIGWINCH, handler);
        signal(SIGINT, handler);
        struct winsize is;
        ioctl(0, TIOCGWINSZ, &is);
        printf("%d rows, %d columns\n", is.ws_row, is.ws_col);
        TRUE_OR_NOT(tcgetpgrp(0) == getpgrp());
        TRUE_OR_NOT(tcgetsid(0) == getpid());
        TRUE_OR_NOT(open("/dev/tty", O_RDWR) >= 0);
        write(said[1], "r\n", 2);
        for (;;)
            pause();
    }
    FILE *lines = fdopen(said[0], "r");
    char line[100];
    close(said[1]);
    while (fgets(line, sizeof line, lines) && strcmp(line, "r\n") != 0)
        printf("child: %s", line);
    size.ws_row = 50;
    SHOW(ioctl(master, TIOCSWINSZ, &size));
    printf("child: %s", fgets(line, sizeof line, lines));
    write(master, "\003", 1);
    /* One change of the size may be told more than once. */
    while (fgets(line, sizeof line, lines) && strcmp(line, "SIGWINCH\n") == 0)
        continue;
    printf("child: %s", line);
    write(master, "\032", 1);
    waitpid(child, &status, WUNTRACED | WNOHANG);
    sleep_ms(100);
    SHOW(waitpid(child, &status, WUNTRACED | WNOHANG));
    read(master, &byte, 1);
    close(master);
    show_end("after the line has gone", child);
    return 0;
}
