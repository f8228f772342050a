/*
 * What hostile programs share. Each abuses the system by children that may die; it audits itself between: its own memory, a pipe,
 * a file, fork and wait must be what they were. Its last line says that all is well, and its status is 0 only then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KNOWN = 4096 };
static unsigned char known[KNOWN];
static unsigned audits;

static unsigned char pattern(size_t i) { return (unsigned char)(i * 7 + (i >> 8) + 3); }

static void broken(const char *what)
{
    printf("BROKEN: %s (errno %d, after %u audits)\n", what, errno, audits);
    fflush(stdout);
    _exit(1);
}

static void begin(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < KNOWN; i++)
        known[i] = pattern(i);
    int fd = open("/tmp/known", O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd < 0 || write(fd, known, KNOWN) != KNOWN)
        broken("making the file");
    close(fd);
}

static void audit(void)
{
    unsigned char bytes[KNOWN];
    int ends[2], status;
    audits++;
    for (size_t i = 0; i < KNOWN; i++)
        if (known[i] != pattern(i))
            broken("own memory");
    int fd = open("/tmp/known", O_RDONLY);
    if (fd < 0 || read(fd, bytes, KNOWN) != KNOWN || memcmp(bytes, known, KNOWN) != 0)
        broken("the file");
    close(fd);
    if (pipe(ends) != 0 || write(ends[1], known, 100) != 100 || read(ends[0], bytes, 200) != 100)
        broken("a pipe");
    close(ends[0]);
    close(ends[1]);
    pid_t child = fork();
    if (child == 0)
        _exit(42);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 42)
        broken("fork and wait");
}

static uint64_t state = 0x9e3779b97f4a7c15;
static uint64_t chance(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

/* How a child ended, of those that may end in any way. */
static unsigned exited, killed, stuck;

/* Waits for a child; one that takes too long is ended. */
static void take_back(pid_t child, unsigned milliseconds)
{
    int status;
    for (unsigned i = 0; ; i++) {
        pid_t got = waitpid(child, &status, WNOHANG | WUNTRACED);
        if (got == child && WIFSTOPPED(status)) {
            kill(child, SIGKILL);
            continue;
        }
        if (got == child)
            break;
        if (got < 0)
            broken("waiting for a child");
        if (i == milliseconds) {
            stuck++;
            kill(child, SIGKILL);
            if (waitpid(child, &status, 0) != child)
                broken("ending a child");
            return;
        }
        usleep(1000);
    }
    if (WIFEXITED(status))
        exited++;
    else
        killed++;
}

__attribute__((noreturn)) static void finish(const char *name)
{
    audit();
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    printf("%s: %u exited, %u killed, %u ended; %u audits, all well\n", name, exited, killed, stuck, audits);
    exit(0);
}
