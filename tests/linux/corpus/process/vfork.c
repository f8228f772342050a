/* vfork: the parent waits until the child has exited or called exec. */
#include "corpus.h"

int main(int count, char **words)
{
    static volatile int shared;
    if (count > 1)
        return 6;
    pid_t child = vfork();
    if (child == 0) {
        shared = 1;
        _exit(4);
    }
    printf("the child's store: %d\n", shared);
    show_end("child", child);
    child = vfork();
    if (child == 0) {
        execl("/proc/self/exe", words[0], "again", (char *)NULL);
        _exit(1);
    }
    show_end("child", child);
    child = vfork();
    if (child == 0) {
        execl("/nowhere", "nowhere", (char *)NULL);
        _exit(errno == ENOENT ? 9 : 1);
    }
    show_end("child", child);
    return 0;
}
