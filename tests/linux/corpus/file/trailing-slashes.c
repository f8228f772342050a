/* What a slash at the end of a path means to each call. */
#include "corpus.h"

int main(void)
{
    struct stat is;
    make_file("file", "x");
    mkdir("dir", 0755);
    symlink("dir", "to-dir");
    symlink("file", "to-file");
    symlink("nowhere", "dangling");
    SHOW(stat("file/", &is));
    SHOW(stat("to-file/", &is));
    SHOW(lstat("to-dir/", &is));
    TRUE_OR_NOT(S_ISDIR(is.st_mode));
    SHOW(lstat("dangling/", &is));
    SHOW(unlink("file/"));
    SHOW(unlink("dir/"));
    SHOW(unlink("to-dir/"));
    SHOW(rmdir("to-dir/"));
    SHOW(rmdir("to-dir"));
    SHOW(mkdir("new/", 0755));
    SHOW(mkdir("dangling/", 0755));
    SHOW(rmdir("new/"));
    SHOW(rename("file", "other/"));
    SHOW(rename("dir", "other/"));
    SHOW(rename("other/", "dir"));
    SHOW(rename("to-dir/", "else"));
    SHOW(symlink("x", "new/"));
    SHOW(mknod("new/", S_IFREG | 0644, 0));
    SHOW(chmod("file/", 0644));
    return 0;
}
