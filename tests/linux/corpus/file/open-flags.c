/* O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW and their errors. */
#include "corpus.h"

int main(void)
{
    make_file("file", "content");
    mkdir("dir", 0755);
    symlink("file", "link");
    symlink("nowhere", "dangling");
    symlink("loop", "loop");
    SHOW(open("file", O_RDONLY | O_CREAT | O_EXCL, 0644));
    SHOW(open("link", O_RDONLY | O_CREAT | O_EXCL, 0644));
    SHOW(open("dangling", O_RDONLY | O_CREAT | O_EXCL, 0644));
    WORKS(open("dangling", O_RDWR | O_CREAT, 0644));
    show_file("nowhere");
    SHOW(open("missing", O_RDONLY));
    SHOW(open("", O_RDONLY));
    SHOW(open("missing/x", O_RDONLY | O_CREAT, 0644));
    SHOW(open("file/x", O_RDONLY | O_CREAT, 0644));
    SHOW(open("dir", O_WRONLY));
    SHOW(open("dir", O_RDWR));
    SHOW(open("dir", O_RDONLY | O_CREAT, 0644));
    SHOW(open("dir", O_RDONLY | O_TRUNC));
    SHOW(open("new/", O_RDONLY | O_CREAT, 0644));
    SHOW(open("file/", O_RDONLY));
    WORKS(open("dir/", O_RDONLY));
    SHOW(open("file", O_RDONLY | O_DIRECTORY));
    SHOW(open("link", O_RDONLY | O_NOFOLLOW));
    SHOW(open("loop", O_RDONLY));
    SHOW(open("loop", O_RDONLY | O_NOFOLLOW));
    WORKS(open("dir", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    SHOW(open("file", O_WRONLY | O_RDWR) == -1 ? -1 : 0);
    int fd = open("file", O_WRONLY | O_APPEND);
    SHOW(write(fd, "+", 1));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(write(fd, "-", 1));
    SHOW(lseek(fd, 0, SEEK_CUR));
    show_file("file");
    WORKS(open("file", O_WRONLY | O_TRUNC));
    show_file("file");
    return 0;
}
