/* Files of /proc that tools read: they open, have their lines, and cannot be made. */
#include "corpus.h"

static void first_word(const char *path)
{
    char word[64] = "";
    FILE *file = fopen(path, "r");
    if (!file) {
        printf("%s: %s\n", path, errno_name(errno));
        return;
    }
    fscanf(file, "%63s", word);
    printf("%s: %s\n", path, word[0] >= '0' && word[0] <= '9' ? "a number" : word);
    fclose(file);
}

int main(void)
{
    first_word("/proc/meminfo");
    first_word("/proc/stat");
    first_word("/proc/uptime");
    first_word("/proc/loadavg");
    first_word("/proc/version");
    first_word("/proc/self/stat");
    first_word("/proc/self/statm");
    first_word("/proc/1/stat");
    first_word("/proc/missing");
    SHOW(open("/proc/new", O_WRONLY | O_CREAT, 0644));
    SHOW(mkdir("/proc/new", 0755));
    SHOW(unlink("/proc/meminfo"));
    struct stat is;
    SHOW(stat("/proc/meminfo", &is));
    printf("size %ld, mode %o\n", (long)is.st_size, is.st_mode);
    return 0;
}
