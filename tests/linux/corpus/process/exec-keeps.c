/* What exec keeps and what it does not: descriptors, dispositions, masks, umask, directory. */
#include "corpus.h"

static void handler(int number)
{
    (void)number;
}

static const char *disposition(int number)
{
    struct sigaction action;
    sigaction(number, NULL, &action);
    return action.sa_handler == SIG_DFL ? "default" : action.sa_handler == SIG_IGN ? "ignored" : "handled";
}

int main(int count, char **words)
{
    sigset_t set;
    if (count > 1) {
        TRUE_OR_NOT(getpid() == atoi(words[1]));
        printf("SIGUSR1 %s, SIGUSR2 %s, SIGCHLD %s\n", disposition(SIGUSR1), disposition(SIGUSR2), disposition(SIGCHLD));
        sigprocmask(SIG_BLOCK, NULL, &set);
        printf("SIGTERM blocked %d, SIGHUP blocked %d\n", sigismember(&set, SIGTERM), sigismember(&set, SIGHUP));
        sigpending(&set);
        printf("SIGTERM pending %d\n", sigismember(&set, SIGTERM));
        SHOW(fcntl(10, F_GETFD));
        SHOW(fcntl(11, F_GETFD));
        SHOW(fcntl(12, F_GETFD));
        SHOW(lseek(10, 0, SEEK_CUR));
        printf("umask %o\n", umask(0));
        char here[100];
        getcwd(here, sizeof here);
        printf("directory ends in %s\n", strrchr(here, '/'));
        printf("alarm %s\n", alarm(0) > 0 ? "runs" : "does not run");
        return 0;
    }
    make_file("file", "0123456789");
    mkdir("sub", 0755);
    int fd = open("file", O_RDONLY);
    lseek(fd, 4, SEEK_SET);
    dup2(fd, 10);
    dup3(fd, 11, O_CLOEXEC);
    dup2(fd, 12);
    fcntl(12, F_SETFD, FD_CLOEXEC);
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGTERM);
    umask(027);
    chdir("sub");
    alarm(100);
    char number[16];
    snprintf(number, sizeof number, "%d", getpid());
    execl("/proc/self/exe", words[0], number, (char *)NULL);
    return 1;
}
