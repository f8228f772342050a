/* What the programs share: they print what they observe, with names for numbers that differ between machines or C libraries. */
#ifndef CORPUS_H
#define CORPUS_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Lines leave at once: a fork would copy what waits. */
__attribute__((constructor)) static void corpus_lines(void)
{
    setvbuf(stdout, NULL, _IOLBF, 4096);
}

__attribute__((unused)) static const char *errno_name(int number)
{
    static char unknown[32];
    switch (number) {
#define E(name) case name: return #name;
    E(EPERM) E(ENOENT) E(ESRCH) E(EINTR) E(EIO) E(ENXIO) E(E2BIG) E(ENOEXEC) E(EBADF) E(ECHILD) E(EAGAIN) E(ENOMEM)
    E(EACCES) E(EFAULT) E(ENOTBLK) E(EBUSY) E(EEXIST) E(EXDEV) E(ENODEV) E(ENOTDIR) E(EISDIR) E(EINVAL) E(ENFILE)
    E(EMFILE) E(ENOTTY) E(ETXTBSY) E(EFBIG) E(ENOSPC) E(ESPIPE) E(EROFS) E(EMLINK) E(EPIPE) E(EDOM) E(ERANGE)
    E(EDEADLK) E(ENAMETOOLONG) E(ENOLCK) E(ENOSYS) E(ENOTEMPTY) E(ELOOP) E(ENODATA) E(ETIME) E(EPROTO) E(EBADMSG)
    E(EOVERFLOW) E(EILSEQ) E(ENOTSOCK) E(EDESTADDRREQ) E(EMSGSIZE) E(EPROTOTYPE) E(ENOPROTOOPT) E(EPROTONOSUPPORT)
    E(ESOCKTNOSUPPORT) E(EOPNOTSUPP) E(EPFNOSUPPORT) E(EAFNOSUPPORT) E(EADDRINUSE) E(EADDRNOTAVAIL) E(ENETDOWN)
    E(ENETUNREACH) E(ECONNABORTED) E(ECONNRESET) E(ENOBUFS) E(EISCONN) E(ENOTCONN) E(ESHUTDOWN) E(ETOOMANYREFS)
    E(ETIMEDOUT) E(ECONNREFUSED) E(EALREADY) E(EINPROGRESS) E(ECANCELED) E(EOWNERDEAD) E(ENOTRECOVERABLE)
#undef E
    }
    snprintf(unknown, sizeof unknown, "errno %d", number);
    return unknown;
}

__attribute__((unused)) static const char *signal_name(int number)
{
    static char other[32];
    switch (number) {
#define S(name) case name: return #name;
    S(SIGHUP) S(SIGINT) S(SIGQUIT) S(SIGILL) S(SIGTRAP) S(SIGABRT) S(SIGBUS) S(SIGFPE) S(SIGKILL) S(SIGUSR1) S(SIGSEGV)
    S(SIGUSR2) S(SIGPIPE) S(SIGALRM) S(SIGTERM) S(SIGSTKFLT) S(SIGCHLD) S(SIGCONT) S(SIGSTOP) S(SIGTSTP) S(SIGTTIN)
    S(SIGTTOU) S(SIGURG) S(SIGXCPU) S(SIGXFSZ) S(SIGVTALRM) S(SIGPROF) S(SIGWINCH) S(SIGIO) S(SIGPWR) S(SIGSYS)
#undef S
    }
    if (number >= SIGRTMIN)
        snprintf(other, sizeof other, "SIGRTMIN+%d", number - SIGRTMIN);
    else
        snprintf(other, sizeof other, "signal %d", number);
    return other;
}

__attribute__((unused)) static long show_result(const char *text, long result)
{
    int number = errno;
    if (result == -1)
        printf("%s = -1 %s\n", text, errno_name(number));
    else
        printf("%s = %ld\n", text, result);
    errno = number;
    return result;
}

/* Prints a call and its result, or the name of its error. */
#define SHOW(call) (errno = 0, show_result(#call, (long)(call)))
/* Prints a call and whether it worked: for results that are not the same each time. */
#define WORKS(call) (errno = 0, show_result(#call, (long)(call) == -1 ? -1 : 0))
/* Prints an expression that is true or not. */
#define TRUE_OR_NOT(what) printf("%s: %s\n", #what, (what) ? "yes" : "no")
/* Ends the program if what it rests on does not work. */
#define NEED(call) need(#call, (long)(call))

__attribute__((unused)) static long need(const char *text, long result)
{
    if (result == -1) {
        printf("needed: %s: %s\n", text, errno_name(errno));
        exit(99);
    }
    return result;
}

/* Prints a wait status. */
__attribute__((unused)) static void show_status(const char *who, int status)
{
    if (WIFEXITED(status))
        printf("%s: exited with %d\n", who, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        printf("%s: ended by %s\n", who, signal_name(WTERMSIG(status)));
    else if (WIFSTOPPED(status))
        printf("%s: stopped by %s\n", who, signal_name(WSTOPSIG(status)));
    else if (WIFCONTINUED(status))
        printf("%s: continued\n", who);
    else
        printf("%s: status %x\n", who, status);
}

/* Waits for a child and prints how it ended. */
__attribute__((unused)) static void show_end(const char *who, pid_t child)
{
    int status = 0;
    NEED(waitpid(child, &status, 0));
    show_status(who, status);
}

/* Runs what follows in a child, and prints how it ended; it exits with 0 unless it does otherwise. */
#define IN_CHILD(who) \
    for (pid_t child_ = (pid_t)NEED(fork()), once_ = 1; once_; \
         once_ = 0, child_ == 0 ? _exit(0) : show_end(who, child_)) \
        if (child_ == 0)

/* Sleeps; in the emulator it costs nothing. */
__attribute__((unused)) static void sleep_ms(long ms)
{
    struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
    while (nanosleep(&time, &time) == -1 && errno == EINTR)
        continue;
}

/* A file with these bytes. */
__attribute__((unused)) static void make_file(const char *path, const char *content)
{
    int fd = (int)NEED(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    NEED(write(fd, content, strlen(content)));
    close(fd);
}

/* Prints a file's bytes. */
__attribute__((unused)) static void show_file(const char *path)
{
    char bytes[4096];
    int fd = open(path, O_RDONLY);
    if (fd == -1) {
        printf("%s: %s\n", path, errno_name(errno));
        return;
    }
    ssize_t length = read(fd, bytes, sizeof bytes - 1);
    close(fd);
    if (length < 0) {
        printf("%s: %s\n", path, errno_name(errno));
        return;
    }
    printf("%s: %zd bytes \"", path, length);
    for (ssize_t i = 0; i < length; i++) {
        if (bytes[i] >= ' ' && bytes[i] < 0x7f)
            putchar(bytes[i]);
        else
            printf("\\%02x", (unsigned char)bytes[i]);
    }
    printf("\"\n");
}

#endif
