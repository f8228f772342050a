/* flock: of open files, shared by duplicates and children, not by a second open. */
#include "corpus.h"
#include <sys/file.h>

int main(void)
{
    make_file("file", "x");
    int one = open("file", O_RDWR), two = open("file", O_RDWR), copy = dup(one);
    SHOW(flock(one, LOCK_EX | LOCK_NB));
    SHOW(flock(two, LOCK_EX | LOCK_NB));
    SHOW(flock(two, LOCK_SH | LOCK_NB));
    SHOW(flock(copy, LOCK_SH | LOCK_NB));
    SHOW(flock(two, LOCK_SH | LOCK_NB));
    SHOW(flock(one, LOCK_EX | LOCK_NB));
    SHOW(flock(two, LOCK_UN));
    SHOW(flock(one, LOCK_EX | LOCK_NB));
    close(one);
    SHOW(flock(two, LOCK_EX | LOCK_NB));
    IN_CHILD("a child unlocks for both")
        flock(copy, LOCK_UN);
    SHOW(flock(two, LOCK_EX | LOCK_NB));
    pid_t child = fork();
    if (child == 0) {
        int mine = open("file", O_RDONLY);
        close(two);
        SHOW(flock(mine, LOCK_SH));
        _exit(0);
    }
    close(two);
    show_end("child", child);
    SHOW(flock(copy, 77));
    SHOW(flock(99, LOCK_SH));
    return 0;
}
