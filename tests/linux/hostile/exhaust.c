/* Everything is used up, one kind after the other; what is given back can be used again. */
#include "hostile.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/sysinfo.h>
#include <sys/socket.h>
#include <time.h>

static int a_device(void) { return open("/dev/null", O_RDONLY); }
static int a_watcher(void) { return epoll_create1(0); }
static int a_counter(void) { return eventfd(0, 0); }
static int a_terminal(void) { return open("/dev/ptmx", O_RDWR); }
static int a_socket(void) { return socket(AF_UNIX, SOCK_DGRAM, 0); }

static void descriptors(void)
{
    int (*const makers[])(void) = { a_device, a_watcher, a_counter, a_terminal, a_socket };
    struct rlimit most;
    getrlimit(RLIMIT_NOFILE, &most);
    most.rlim_cur = most.rlim_max;
    setrlimit(RLIMIT_NOFILE, &most);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        while (makers[i]() >= 0)
            continue;
    _exit(0);
}

static void full_pipes(void)
{
    static char bytes[1 << 16];
    int ends[2];
    struct rlimit most = { 4096, 4096 };
    setrlimit(RLIMIT_NOFILE, &most);
    while (pipe2(ends, O_NONBLOCK) == 0) {
        fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
        while (write(ends[1], bytes, sizeof bytes) > 0)
            continue;
    }
    _exit(0);
}

static void full_sockets(void)
{
    static char bytes[1 << 15];
    int ends[2];
    struct rlimit most = { 4096, 4096 };
    setrlimit(RLIMIT_NOFILE, &most);
    while (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0)
        while (write(ends[1], bytes, sizeof bytes) > 0)
            continue;
    _exit(0);
}

/* Sockets that are only in each other's messages. */
static void lost_sockets(void)
{
    for (unsigned i = 0; i < 3000; i++) {
        int ends[2];
        char room[CMSG_SPACE(8)] = { 0 };
        struct iovec piece = { "x", 1 };
        struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };
        socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){ CMSG_LEN(8), SOL_SOCKET, SCM_RIGHTS };
        memcpy(CMSG_DATA(header), ends, 8);
        if (sendmsg(ends[0], &message, 0) != 1 || sendmsg(ends[1], &message, 0) != 1)
            _exit(1);
        close(ends[0]);
        close(ends[1]);
    }
    _exit(0);
}

static void memory(void)
{
    for (;;) {
        char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED)
            _exit(0);
        for (size_t i = 0; i < 1 << 20; i += 4096)
            at[i] = 1;
    }
}

static void areas(void)
{
    for (size_t i = 0; i < 80000; i++) {
        char *at = mmap(NULL, 8192, i % 2 ? PROT_READ : PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED)
            _exit(0);
        munmap(at, 4096);
    }
    _exit(0);
}

static void processes(void)
{
    pid_t last = 0;
    unsigned count = 0;
    for (pid_t pid; (pid = fork()) >= 0; last = pid, count++) {
        if (pid == 0) {
            pause();
            _exit(0);
        }
    }
    printf("%s processes\n", count >= 200 ? "many" : "few");
    (void)last;
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    while (wait(NULL) > 0)
        continue;
    _exit(count >= 200 ? 0 : 1);
}

static void files(void)
{
    char name[300];
    mkdir("/tmp/many", 0700);
    chdir("/tmp/many");
    memset(name, 'n', sizeof name);
    for (unsigned i = 0; ; i++) {
        sprintf(name + 240, "%u", i);
        int fd = open(name, O_CREAT | O_WRONLY, 0600);
        if (fd < 0)
            break;
        close(fd);
    }
    int full = errno;
    for (unsigned i = 0; ; i++) {
        sprintf(name + 240, "%u", i);
        if (unlink(name) != 0)
            break;
    }
    _exit(full == ENOSPC || full == ENFILE || full == ENOMEM ? 0 : 1);
}

static void big_file(void)
{
    static char bytes[1 << 16];
    int fd = open("/tmp/big", O_CREAT | O_WRONLY, 0600);
    while (write(fd, bytes, sizeof bytes) > 0)
        continue;
    int full = errno;
    unlink("/tmp/big");
    _exit(full == ENOSPC ? 0 : 1);
}

static void deep(void)
{
    for (unsigned i = 0; i < 3000; i++)
        if (mkdir("d", 0700) != 0 || chdir("d") != 0)
            break;
    char path[5000];
    getcwd(path, sizeof path);
    _exit(0);
}

static void locks(void)
{
    int fd = open("/tmp/locked", O_CREAT | O_RDWR, 0600);
    for (unsigned i = 0; i < 10000; i++) {
        struct flock lock = { .l_type = F_WRLCK, .l_start = i * 2, .l_len = 1 };
        if (fcntl(fd, F_SETLK, &lock) != 0)
            _exit(errno == ENOLCK ? 0 : 1);
    }
    _exit(0);
}

static void timers(void)
{
    timer_t timer;
    struct itimerspec often = { { 0, 1 }, { 0, 1 } };
    struct itimerval soon = { { 0, 1 }, { 0, 1 } };
    signal(SIGALRM, SIG_IGN);
    for (unsigned i = 0; i < 2000 && timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0; i++)
        timer_settime(timer, 0, &often, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    for (volatile unsigned i = 0; i < 1000; i++)
        continue;
    _exit(0);
}

static void try(const char *name, void (*what)(void), int must)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        chdir("/tmp");
        what();
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        broken(name);
    while (kill(-pid, SIGKILL) == 0 && waitpid(-pid, NULL, 0) > 0)
        continue;
    printf("%s: %s\n", name, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : WEXITSTATUS(status) ? "failed" : "done");
    if (must && status != 0)
        broken(name);
    if (WIFSIGNALED(status))
        killed++;
    else
        exited++;
    audit();
}

/* Takes memory: until it is ended for that, or while there is some left, and then stays with what it has. */
static void eat(int stay)
{
    enum { PIECE = 1 << 18, LEAVE = 3 << 20 };
    struct sysinfo info;
    for (;;) {
        sysinfo(&info);
        if (stay && info.freeram < LEAVE)
            pause();
        char *at = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED)
            _exit(0);
        for (unsigned i = 0; i < PIECE; i += 4096)
            at[i] = 1;
    }
}

/* With a word, "eat" or "stay", it only eats. */
int main(int count, char **words)
{
    if (count > 1) {
        eat(strcmp(words[1], "stay") == 0);
    }
    begin();
    try("descriptors", descriptors, 1);
    try("full pipes", full_pipes, 0);
    try("full sockets", full_sockets, 0);
    try("lost sockets", lost_sockets, 1);
    try("areas", areas, 0);
    try("files", files, 1);
    try("a big file", big_file, 1);
    try("deep directories", deep, 1);
    try("locks", locks, 1);
    try("timers", timers, 0);
    try("processes", processes, 0);
    try("memory", memory, 0);
    try("memory again", memory, 0);
    finish("exhaust");
}
