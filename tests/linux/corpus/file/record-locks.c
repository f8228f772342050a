/* POSIX record locks: of processes, by ranges, split and joined, gone with any close. */
#include "corpus.h"

static struct flock range(int type, long start, long length)
{
    return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
}

static void ask(int fd, long start, long length)
{
    struct flock lock = range(F_WRLCK, start, length);
    fcntl(fd, F_GETLK, &lock);
    if (lock.l_type == F_UNLCK)
        printf("%ld+%ld: free\n", start, length);
    else
        printf("%ld+%ld: %s at %ld+%ld, by the parent: %s\n", start, length, lock.l_type == F_RDLCK ? "read" : "write",
            (long)lock.l_start, (long)lock.l_len, lock.l_pid == getppid() ? "yes" : "no");
}

int main(void)
{
    make_file("file", "0123456789");
    int fd = open("file", O_RDWR), read_only = open("file", O_RDONLY);
    struct flock lock = range(F_WRLCK, 2, 6);
    SHOW(fcntl(fd, F_SETLK, &lock));
    lock = range(F_UNLCK, 4, 1);
    SHOW(fcntl(fd, F_SETLK, &lock));
    lock = range(F_RDLCK, 6, 100);
    SHOW(fcntl(fd, F_SETLK, &lock));
    IN_CHILD("child") {
        ask(fd, 0, 2);
        ask(fd, 0, 0);
        ask(fd, 4, 1);
        ask(fd, 5, 1);
        ask(fd, 6, 1);
        lock = range(F_WRLCK, 3, 1);
        SHOW(fcntl(fd, F_SETLK, &lock));
        lock = range(F_RDLCK, 50, 1);
        SHOW(fcntl(fd, F_SETLK, &lock));
        signal(SIGALRM, SIG_DFL);
    }
    lock = range(F_WRLCK, 0, 1);
    SHOW(fcntl(read_only, F_SETLK, &lock));
    lock = range(9, 0, 1);
    SHOW(fcntl(fd, F_SETLK, &lock));
    lock = range(F_RDLCK, -1, 1);
    SHOW(fcntl(fd, F_SETLK, &lock));
    close(open("file", O_RDONLY));
    IN_CHILD("after any close")
        ask(fd, 0, 0);
    lock = range(F_WRLCK, 0, 0);
    SHOW(fcntl(fd, F_SETLK, &lock));
    pid_t child = fork();
    if (child == 0) {
        SHOW(fcntl(fd, F_SETLKW, &lock));
        _exit(0);
    }
    sleep_ms(50);
    printf("unlocking\n");
    lock.l_type = F_UNLCK;
    fcntl(fd, F_SETLK, &lock);
    show_end("the waiting child", child);
    return 0;
}
