/* clone: which flags share what, and which are refused. */
#include "corpus.h"
#include <sched.h>

static int value;

static int child(void *what)
{
    value = 2;
    close(*(int *)what);
    chdir("/");
    umask(077);
    return 11;
}

static void try(const char *name, int flags)
{
    static char stack[65536] __attribute__((aligned(16)));
    char here[100];
    int fd = open("/dev/null", O_RDONLY), status = 0;
    value = 1;
    umask(022);
    NEED(chdir("/tmp"));
    pid_t pid = clone(child, stack + sizeof stack, flags | SIGCHLD, &fd);
    if (pid == -1) {
        printf("%s: %s\n", name, errno_name(errno));
        close(fd);
        return;
    }
    waitpid(pid, &status, 0);
    getcwd(here, sizeof here);
    printf("%s: value %d, descriptor %s, directory %s, umask %o, ", name, value, fcntl(fd, F_GETFD) == -1 ? "closed" : "open",
        here, umask(022));
    show_status("child", status);
    close(fd);
}

int main(void)
{
    try("nothing", 0);
    try("CLONE_VM", CLONE_VM | CLONE_VFORK);
    try("CLONE_FILES", CLONE_FILES);
    try("CLONE_FS", CLONE_FS);
    try("CLONE_SIGHAND without CLONE_VM", CLONE_SIGHAND);
    try("CLONE_THREAD without CLONE_SIGHAND", CLONE_THREAD | CLONE_VM);
    try("CLONE_FS with CLONE_NEWNS", CLONE_FS | CLONE_NEWNS);
    return 0;
}
