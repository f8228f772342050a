/* A shell on a terminal of its own: ^Z stops the job in front, bg and fg go on with it, ^C ends it. */
#include "corpus.h"
#include <poll.h>
#include <pty.h>

static char seen[65536];
static size_t length;
static int master;

/* Reads until the terminal has shown this, from where the last one was found. */
static void await(const char *what)
{
    static size_t from;
    for (int i = 0; i < 500; i++) {
        char *at = strstr(seen + from, what);
        if (at) {
            from = (size_t)(at - seen) + strlen(what);
            printf("shown: %s\n", what);
            return;
        }
        struct pollfd one = { .fd = master, .events = POLLIN };
        if (poll(&one, 1, 20) == 1) {
            ssize_t got = read(master, seen + length, sizeof seen - 1 - length);
            if (got <= 0)
                break;
            length += (size_t)got;
        }
    }
    printf("not shown: %s\n%s\n", what, seen + from);
    exit(1);
}

static void type(const char *keys)
{
    write(master, keys, strlen(keys));
}

int main(void)
{
    pid_t shell = forkpty(&master, NULL, NULL, &(struct winsize){ 24, 80, 0, 0 });
    if (shell == 0) {
        setenv("PS1", "ready> ", 1);
        setenv("TERM", "dumb", 1);
        execl("/bin/sh", "sh", "-i", (char *)NULL);
        _exit(1);
    }
    await("ready> ");
    type("echo $((40 + 2))\n");
    await("42");
    await("ready> ");
    type("sleep 1000\n");
    sleep_ms(300);
    type("\032");
    await("Stopped");
    await("ready> ");
    type("bg\n");
    await("ready> ");
    type("jobs\n");
    await("Running");
    await("ready> ");
    type("fg\n");
    sleep_ms(300);
    type("\003");
    await("ready> ");
    type("echo status $?\n");
    await("status 130");
    await("ready> ");
    type("cat\n");
    sleep_ms(300);
    type("a line\n");
    await("a line\r\na line");
    type("\004");
    await("ready> ");
    type("sleep 1000 | sleep 1000 & kill %1; wait; echo waited\n");
    await("waited\r\n");
    await("ready> ");
    type("exit 7\n");
    show_end("shell", shell);
    return 0;
}
