/* An orphan goes to the nearest ancestor that asked to be its reaper. */
#include "corpus.h"
#include <sys/prctl.h>

int main(void)
{
    int ends[2], is = -1;
    char byte;
    NEED(pipe(ends));
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
    SHOW(prctl(PR_GET_CHILD_SUBREAPER, &is));
    printf("is %d\n", is);
    pid_t me = getpid();
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_GET_CHILD_SUBREAPER, &is);
        printf("child is %d\n", is);
        if (fork() == 0) {
            close(ends[1]);
            read(ends[0], &byte, 1);
            printf("orphan: my parent is %s\n", getppid() == me ? "the reaper" : "somebody else");
            _exit(7);
        }
        _exit(0);
    }
    show_end("child", child);
    close(ends[1]);
    int status;
    TRUE_OR_NOT(wait(&status) > 0);
    show_status("orphan", status);
    SHOW(wait(&status));
    return 0;
}
