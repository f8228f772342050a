/* getdents: every name once, with its type; dot and dot-dot; an empty buffer. */
#include "corpus.h"
#include <dirent.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void)
{
    char *lines[32];
    int count = 0;
    mkdir("d", 0755);
    make_file("d/file", "x");
    mkdir("d/dir", 0755);
    symlink("nowhere", "d/link");
    mkfifo("d/fifo", 0644);
    DIR *stream = opendir("d");
    for (struct dirent *entry; (entry = readdir(stream)); ) {
        struct stat is;
        fstatat(dirfd(stream), entry->d_name, &is, AT_SYMLINK_NOFOLLOW);
        lines[count] = malloc(300);
        snprintf(lines[count++], 300, "%s: %s%s", entry->d_name, entry->d_type == DT_REG ? "file" : entry->d_type == DT_DIR
            ? "directory" : entry->d_type == DT_LNK ? "link" : entry->d_type == DT_FIFO ? "fifo" : "other",
            is.st_ino == entry->d_ino ? "" : ", another inode");
    }
    qsort(lines, (size_t)count, sizeof *lines, by_name);
    for (int i = 0; i < count; i++)
        printf("%s\n", lines[i]);
    closedir(stream);
    int fd = open("d", O_RDONLY | O_DIRECTORY), file = open("d/file", O_RDONLY);
    char bytes[1024];
    SHOW(syscall(SYS_getdents64, fd, bytes, 4));
    WORKS(syscall(SYS_getdents64, fd, bytes, sizeof bytes));
    SHOW(syscall(SYS_getdents64, fd, bytes, sizeof bytes));
    SHOW(syscall(SYS_getdents64, file, bytes, sizeof bytes));
    SHOW(syscall(SYS_getdents64, 99, bytes, sizeof bytes));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(syscall(SYS_getdents64, fd, (char *)8, sizeof bytes));
    WORKS(syscall(SYS_getdents64, fd, bytes, sizeof bytes));
    rmdir("d/dir");
    SHOW(opendir("missing") ? 0 : -1);
    SHOW(opendir("d/file") ? 0 : -1);
    return 0;
}
