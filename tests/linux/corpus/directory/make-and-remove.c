/* mkdir and rmdir: counts of links, errors. */
#include "corpus.h"

static void links(const char *path)
{
    struct stat is;
    stat(path, &is);
    printf("%s: %d links, mode %o\n", path, (int)is.st_nlink, is.st_mode);
}

int main(void)
{
    SHOW(mkdir("d", 0777));
    links("d");
    SHOW(mkdir("d/a", 0700));
    SHOW(mkdir("d/b", 01777));
    links("d");
    links("d/b");
    SHOW(mkdir("d", 0777));
    SHOW(mkdir("missing/x", 0777));
    make_file("file", "x");
    symlink("d", "to-d");
    SHOW(mkdir("file", 0777));
    SHOW(mkdir("file/x", 0777));
    SHOW(mkdir("to-d", 0777));
    SHOW(mkdir("", 0777));
    SHOW(mkdir(".", 0777));
    SHOW(mkdir("/", 0777));
    SHOW(rmdir("d"));
    SHOW(rmdir("file"));
    SHOW(rmdir("to-d"));
    SHOW(rmdir("missing"));
    SHOW(rmdir("d/."));
    SHOW(rmdir("d/a/.."));
    SHOW(rmdir("/"));
    SHOW(rmdir(""));
    SHOW(unlink("d"));
    SHOW(unlink("missing"));
    SHOW(unlink(""));
    SHOW(unlink("."));
    SHOW(rmdir("d/a"));
    links("d");
    SHOW(rmdir("d/b"));
    SHOW(rmdir("d"));
    return 0;
}
