/* umask, chmod and the bits that go when the owner changes. */
#include "corpus.h"

static void mode(const char *path)
{
    struct stat is;
    stat(path, &is);
    printf("%s: %o, owner %d, group %d\n", path, is.st_mode, is.st_uid, is.st_gid);
}

int main(void)
{
    SHOW(umask(077));
    close(open("a", O_WRONLY | O_CREAT, 0666));
    mkdir("d", 0777);
    mode("a");
    mode("d");
    SHOW(umask(01777));
    umask(0);
    close(open("b", O_WRONLY | O_CREAT, 07777));
    mode("b");
    SHOW(chmod("a", 06755));
    mode("a");
    SHOW(chown("a", 1000, -1));
    mode("a");
    SHOW(chmod("a", 0177777));
    mode("a");
    SHOW(chown("a", -1, 7));
    mode("a");
    SHOW(chmod("missing", 0));
    SHOW(fchmod(99, 0));
    SHOW(chown("missing", 0, 0));
    symlink("a", "link");
    SHOW(lchown("link", 5, 5));
    mode("link");
    chmod("d", 02777);
    chown("d", 0, 9);
    mkdir("d/sub", 0755);
    make_file("d/file", "");
    mode("d");
    mode("d/sub");
    mode("d/file");
    int fd = open("a", O_WRONLY);
    chmod("a", 06777);
    IN_CHILD("another user writes") {
        setuid(1001);
        write(fd, "x", 1);
    }
    mode("a");
    return 0;
}
