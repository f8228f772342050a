/*
 * Runs every program below a directory, each with nothing of the others: a directory of its own, a session of its own,
 * a pipe for what it writes, a limit for its time.
 *
 *     runner boot DIR [WORD]  as the first process of a Linux: sets it up, writes to port 0xe9, ends the machine
 *     runner DIR [WORD]       as a program: writes to standard output
 *
 * Only those run whose names contain WORD. Programs are DIR/AREA/NAME; one that ends in ".sh" is given to /bin/sh. For each, a line
 *     == AREA/NAME STATUS BYTES
 * is followed by so many bytes, all of them printable or the end of a line, and an end of line.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 20, MOST = 1 << 18 };

static int to_port;
static volatile sig_atomic_t late;

static void put(const char *bytes, size_t length)
{
    if (!to_port) {
        while (length > 0) {
            ssize_t written = write(1, bytes, length);
            if (written <= 0)
                return;
            bytes += written;
            length -= (size_t)written;
        }
        return;
    }
    for (size_t i = 0; i < length; i++)
        outb((unsigned char)bytes[i], 0xe9);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    put(line, (size_t)length);
}

static void on_alarm(int number)
{
    (void)number;
    late = 1;
}

/* What the program wrote, with everything that is not plain text spelt out. */
static char text[4 * MOST];
static size_t text_length;

static void take(const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length && text_length + 4 < sizeof text; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\t' || (bytes[i] >= ' ' && bytes[i] < 0x7f))
            text[text_length++] = (char)bytes[i];
        else
            text_length += (size_t)sprintf(text + text_length, "\\x%02x", bytes[i]);
    }
}

static void become(const char *path, const char *name, int output)
{
    static char *const environment[] = { "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/tmp", "CORPUS=yes", NULL };
    char scratch[PATH_MAX];
    setsid();
    iopl(0);
    snprintf(scratch, sizeof scratch, "/tmp/%s", name);
    for (char *slash = scratch + 5; (slash = strchr(slash, '/')); )
        *slash = '.';
    int nothing = open("/dev/null", O_RDONLY);
    if (mkdir(scratch, 0755) != 0 || chdir(scratch) != 0 || nothing < 0) {
        perror(scratch);
        _exit(120);
    }
    dup2(nothing, 0);
    dup2(output, 1);
    dup2(output, 2);
    for (int fd = 3; fd < 20; fd++)
        close(fd);
    signal(SIGALRM, SIG_DFL);
    /* BusyBox's shell has its commands ignore it. */
    signal(SIGQUIT, SIG_DFL);
    umask(022);
    size_t length = strlen(path);
    if (length > 3 && strcmp(path + length - 3, ".sh") == 0)
        execle("/bin/sh", "sh", path, (char *)NULL, environment);
    else
        execle(path, path, (char *)NULL, environment);
    perror(path);
    _exit(121);
}

static void run(const char *path, const char *name)
{
    int ends[2], status = -1;
    if (pipe(ends) != 0) {
        say("runner: pipe: %s\n", strerror(errno));
        return;
    }
    pid_t child = fork();
    if (child == 0)
        become(path, name, ends[1]);
    close(ends[1]);
    late = 0;
    text_length = 0;
    struct itimerval limit = { .it_value = { SECONDS, 0 }, .it_interval = { 1, 0 } }, none = { 0 };
    setitimer(ITIMER_REAL, &limit, NULL);
    unsigned char buffer[4096];
    for (;;) {
        ssize_t got = late ? 0 : read(ends[0], buffer, sizeof buffer);
        if (got > 0)
            take(buffer, (size_t)got);
        else if (got == 0 || errno != EINTR)
            break;
    }
    do {
        if (late)
            kill(-child, SIGKILL);
    } while (waitpid(child, &status, 0) == -1 && errno == EINTR);
    setitimer(ITIMER_REAL, &none, NULL);
    close(ends[0]);
    /* Whatever it left behind has nothing to do with the next one. */
    kill(-child, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    char how[32];
    if (late)
        strcpy(how, "late");
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "signal:%d", WTERMSIG(status));
    else
        snprintf(how, sizeof how, "exit:%d", WEXITSTATUS(status));
    say("== %s %s %zu\n", name, how, text_length);
    put(text, text_length);
    put("\n", 1);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, in order. */
static size_t list(const char *directory, char **names, size_t most)
{
    size_t count = 0;
    DIR *stream = opendir(directory);
    struct dirent *entry;
    while (stream && (entry = readdir(stream)) && count < most)
        if (entry->d_name[0] != '.')
            names[count++] = strdup(entry->d_name);
    if (stream)
        closedir(stream);
    qsort(names, count, sizeof *names, by_name);
    return count;
}

static void set_up_linux(void)
{
    mount("proc", "/proc", "proc", 0, NULL);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mkdir("/dev/pts", 0755);
    mount("pts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666");
    mount("tmp", "/tmp", "tmpfs", 0, "mode=1777");
    int console = open("/dev/console", O_RDWR);
    if (console >= 0)
        for (int fd = 0; fd < 3; fd++)
            dup2(console, fd);
    if (console > 2)
        close(console);
    to_port = iopl(3) == 0;
}

/* The emulator stops in its debugger when it gets a `D` here. */
static void end_machine(void)
{
    for (;;)
        outb('D', 0x8900);
}

int main(int count, char **words)
{
    int first = count > 1 && strcmp(words[1], "boot") == 0;
    const char *directory = count > first + 1 ? words[first + 1] : "/corpus";
    const char *wanted = count > first + 2 ? words[first + 2] : "";
    if (first)
        set_up_linux();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    struct sigaction action = { .sa_handler = on_alarm };
    sigaction(SIGALRM, &action, NULL);
    say("corpus begins\n");
    static char *areas[64], *names[512];
    size_t area_count = list(directory, areas, 64);
    for (size_t i = 0; i < area_count; i++) {
        char path[PATH_MAX], name[NAME_MAX * 2];
        snprintf(path, sizeof path, "%s/%s", directory, areas[i]);
        size_t name_count = list(path, names, 512);
        for (size_t j = 0; j < name_count; j++) {
            snprintf(name, sizeof name, "%s/%s", areas[i], names[j]);
            snprintf(path, sizeof path, "%s/%s", directory, name);
            if (strstr(name, wanted))
                run(path, name);
        }
    }
    say("corpus ends\n");
    if (first)
        end_machine();
    return 0;
}
