/* What somebody who is not root may do with modes. */
#include "corpus.h"

static void make(const char *path, int mode)
{
    make_file(path, "x");
    chmod(path, mode);
}

int main(void)
{
    chmod(".", 0777);
    make("all", 0666);
    make("readable", 0644);
    make("secret", 0600);
    make("group", 0640);
    make("mine", 0200);
    chown("mine", 1000, 1000);
    make("script", 0744);
    mkdir("closed", 0700);
    mkdir("listed", 0744);
    mkdir("walked", 0711);
    mkdir("sticky", 0777);
    chmod("sticky", 01777);
    make("closed/x", 0666);
    make("listed/x", 0666);
    make("walked/x", 0666);
    make("sticky/x", 0666);
    SHOW(access("secret", R_OK | W_OK));
    SHOW(access("secret", X_OK));
    SHOW(access("script", X_OK));
    IN_CHILD("user 1000") {
        setgid(1000);
        setuid(1000);
        WORKS(open("all", O_RDWR));
        WORKS(open("readable", O_RDONLY));
        SHOW(open("readable", O_WRONLY));
        SHOW(open("secret", O_RDONLY));
        SHOW(open("group", O_RDONLY));
        SHOW(open("mine", O_RDONLY));
        WORKS(open("mine", O_WRONLY));
        SHOW(open("closed/x", O_RDONLY));
        SHOW(open("listed/x", O_RDONLY));
        WORKS(open("listed", O_RDONLY));
        WORKS(open("walked/x", O_RDONLY));
        SHOW(open("walked", O_RDONLY));
        SHOW(access("script", X_OK));
        SHOW(execl("script", "script", (char *)NULL));
        SHOW(chmod("all", 0600));
        SHOW(chmod("mine", 0600));
        SHOW(chown("mine", 0, 0));
        SHOW(chown("mine", 1000, 1000));
        SHOW(chown("all", 1000, 1000));
        SHOW(unlink("sticky/x"));
        SHOW(rename("sticky/x", "sticky/y"));
        SHOW(unlink("walked/x"));
        SHOW(mkdir("walked/y", 0755));
        SHOW(unlink("secret"));
        SHOW(chdir("closed"));
        SHOW(chdir("walked"));
        SHOW(mknod("/tmp/device", S_IFCHR | 0600, 0x103));
    }
    return 0;
}
