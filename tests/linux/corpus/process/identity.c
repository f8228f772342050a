/* A process that gives up being root cannot take it back. */
#include "corpus.h"
#include <grp.h>

int main(void)
{
    printf("%d %d %d %d\n", getuid(), geteuid(), getgid(), getegid());
    IN_CHILD("child") {
        gid_t groups[4] = { 0 };
        uid_t real, effective, saved;
        SHOW(setgroups(1, (gid_t[]){ 77 }));
        SHOW(getgroups(4, groups));
        printf("group %d\n", groups[0]);
        SHOW(getgroups(0, NULL));
        SHOW(setresgid(1000, 1000, 1000));
        SHOW(setresuid(1000, 1000, 1001));
        SHOW(getresuid(&real, &effective, &saved));
        printf("%d %d %d\n", real, effective, saved);
        SHOW(setuid(0));
        SHOW(seteuid(1001));
        printf("%d %d\n", getuid(), geteuid());
        SHOW(setreuid(0, 0));
        SHOW(setgid(0));
        SHOW(setgroups(0, NULL));
        SHOW(kill(getppid(), 0));
        SHOW(kill(1, 0));
    }
    return 0;
}
