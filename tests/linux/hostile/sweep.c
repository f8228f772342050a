/* Every system call that there is, and many that there are not, with pointers, lengths, descriptors and flags that nobody should pass. */
#include "hostile.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static uint64_t pointers[24], descriptors[24];
static size_t pointer_count, descriptor_count;

static void prepare(void)
{
    /* A page before a hole, a page that can only be read, one that cannot be touched, and one that is the end of a file. */
    char *pages = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 4096, 4096);
    mprotect(pages + 2 * 4096, 4096, PROT_READ);
    mprotect(pages + 3 * 4096, 4096, PROT_NONE);
    int fd = open("/tmp/short", O_CREAT | O_RDWR, 0600);
    ftruncate(fd, 10);
    char *end = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint64_t all[] = { 0, 1, 8, (uint64_t)pages, (uint64_t)pages + 4093, (uint64_t)pages + 4096, (uint64_t)pages + 2 * 4096,
        (uint64_t)pages + 3 * 4096, (uint64_t)pages + 5 * 4096 - 3, (uint64_t)end + 4096, (uint64_t)end + 4090, 0x7ffffffff000,
        0x7fffffffffff, 0x800000000000, 0x8000000000000000, 0xffff800000000000, 0xffffffffffffffff, 0xfffffffffffff000,
        0xffffffff80000000, (uint64_t)&pointers, (uint64_t)pages + 1 };
    memcpy(pointers, all, sizeof all);
    pointer_count = sizeof all / sizeof *all;
    int ends[2], pair[2];
    pipe(ends);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    uint64_t files[] = { (uint64_t)-1, 0, 1, (uint64_t)-100, 9999, 1u << 31, 0x100000000, (uint64_t)fd, (uint64_t)ends[0],
        (uint64_t)ends[1], (uint64_t)open("/tmp", O_RDONLY), (uint64_t)open("/tmp/short", O_PATH), (uint64_t)epoll_create1(0),
        (uint64_t)eventfd(1, 0), (uint64_t)pair[0], (uint64_t)timerfd_create(CLOCK_MONOTONIC, 0), (uint64_t)open("/proc/self/stat", O_RDONLY),
        (uint64_t)open("/dev/ptmx", O_RDWR), (uint64_t)open("/dev/zero", O_RDWR) };
    memcpy(descriptors, files, sizeof files);
    descriptor_count = sizeof files / sizeof *files;
}

static uint64_t number(void)
{
    static const uint64_t all[] = { 0, 1, 2, 3, 7, 8, 16, 4095, 4096, 4097, 65536, 1u << 20, 1u << 31, 0xffffffff, 1ull << 32, 1ull << 47,
        1ull << 63, ~0ull, ~0ull - 1, 0x7fffffffffffffff, 0xfffffffffffff001 };
    return chance() % 3 == 0 ? chance() >> (chance() % 64) : all[chance() % (sizeof all / sizeof *all)];
}

static uint64_t argument(void)
{
    switch (chance() % 4) {
    case 0: return descriptors[chance() % descriptor_count];
    case 1: return number();
    default: return pointers[chance() % pointer_count];
    }
}

/* Calls that would only end the child, or stop everybody, at once. */
static int is_skipped(long call, const uint64_t *arguments)
{
    if (call == SYS_kill || call == SYS_tkill || call == SYS_tgkill || call == SYS_rt_sigqueueinfo || call == SYS_rt_tgsigqueueinfo)
        return 1;
    if (call == SYS_exit || call == SYS_exit_group || call == SYS_rt_sigreturn || call == SYS_reboot)
        return 1;
    /* The clock is everybody's. */
    if (call == SYS_clock_settime || call == SYS_settimeofday || call == SYS_sethostname || call == SYS_setdomainname)
        return 1;
    if (call == SYS_pause || call == SYS_rt_sigsuspend || call == SYS_ioctl)
        return 0;
    /* Forks that nobody would wait for; the abuse of many processes is another program's. */
    if (call == SYS_fork)
        return arguments[5] % 4 != 0;
    /* These share the stack, and with it what this program is. */
    if (call == SYS_clone || call == SYS_clone3 || call == SYS_vfork)
        return 1;
    return 0;
}

static void child(uint64_t seed, unsigned count)
{
    state = seed;
    /* What it writes to nobody has to read. */
    int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, 1);
    dup2(nowhere, 2);
    struct rlimit little = { 64 << 20, 64 << 20 };
    setrlimit(RLIMIT_AS, &little);
    struct itimerval soon = { { 0, 2000 }, { 0, 20000 } };
    sigset_t none;
    sigemptyset(&none);
    for (unsigned i = 0; i < count; i++) {
        uint64_t a[6];
        for (int j = 0; j < 6; j++)
            a[j] = argument();
        long call = chance() % 16 == 0 ? (long)number() : (long)(chance() % 462);
        if (is_skipped(call, a))
            continue;
        /* What blocks is interrupted; what changes that is the child's own loss. */
        setitimer(ITIMER_REAL, &soon, NULL);
        sigprocmask(SIG_SETMASK, &none, NULL);
        syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    _exit(0);
}

static void ignore(int number) { (void)number; }

int main(int count, char **words)
{
    unsigned rounds = count > 1 ? (unsigned)atoi(words[1]) : 150;
    begin();
    prepare();
    for (unsigned i = 0; i < rounds; i++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            struct sigaction action = { .sa_handler = ignore };
            sigaction(SIGALRM, &action, NULL);
            setsid();
            mkdir("/tmp/sweep", 0777);
            chdir("/tmp/sweep");
            child(0x1234567 + i * 7919, 60);
        }
        if (pid < 0)
            broken("fork");
        take_back(pid, 400);
        /* Whatever it has left behind. */
        kill(-pid, SIGKILL);
        if (i % 10 == 9)
            audit();
    }
    finish("sweep");
}
