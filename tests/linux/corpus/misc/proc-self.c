/* /proc/self: links, command line, status, maps. */
#include "corpus.h"

static void link_of(const char *path)
{
    char target[256];
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length > 0 ? length : 0] = 0;
    printf("%s: %s\n", path, length > 0 ? target : errno_name(errno));
}

int main(int count, char **words)
{
    char line[1024], here[256];
    (void)count;
    link_of("/proc/self/cwd");
    link_of("/proc/self/root");
    link_of("/proc/self/fd/0");
    link_of("/proc/self/fd/77");
    link_of("/proc/999999/exe");
    SHOW(readlink("/proc/self", here, sizeof here) > 0);
    FILE *file = fopen("/proc/self/cmdline", "r");
    size_t length = fread(line, 1, sizeof line, file);
    TRUE_OR_NOT(length == strlen(words[0]) + 1 && strcmp(line, words[0]) == 0);
    fclose(file);
    file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "Uid:", 4) == 0 || strncmp(line, "State:", 6) == 0 || strncmp(line, "Threads:", 8) == 0)
            printf("%s", line);
        int pid;
        if (sscanf(line, "Pid: %d", &pid) == 1)
            TRUE_OR_NOT(pid == getpid());
        if (sscanf(line, "PPid: %d", &pid) == 1)
            TRUE_OR_NOT(pid == getppid());
    }
    fclose(file);
    int pid = 0, parent = 0;
    char state = 0;
    file = fopen("/proc/self/stat", "r");
    fgets(line, sizeof line, file);
    sscanf(strrchr(line, ')') + 2, "%c %d", &state, &parent);
    sscanf(line, "%d", &pid);
    TRUE_OR_NOT(pid == getpid() && parent == getppid());
    printf("state %c\n", state);
    fclose(file);
    int stack = 0, code = 0;
    unsigned long from, to;
    char rights[8];
    file = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) == 3) {
            if ((uintptr_t)&pid >= from && (uintptr_t)&pid < to)
                stack = strcmp(rights, "rw-p") == 0 && strstr(line, "[stack]");
            if ((uintptr_t)main >= from && (uintptr_t)main < to)
                code = strcmp(rights, "r-xp") == 0;
        }
    printf("stack %d, code %d\n", stack, code);
    return 0;
}
