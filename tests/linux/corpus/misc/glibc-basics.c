#include "corpus.h"
#include <locale.h>
#include <math.h>
#include <spawn.h>

extern char **environ;

int main(void)
{
    char *area = malloc(1 << 20), line[64];
    memset(area, 1, 1 << 20);
    area = realloc(area, 4 << 20);
    printf("%d\n", area[(1 << 20) - 1]);
    free(area);
    FILE *file = tmpfile();
    fprintf(file, "%d lines\n", 3);
    rewind(file);
    printf("%s", fgets(line, sizeof line, file));
    printf("%d\n", system("exit 5") >> 8);
    FILE *pipe = popen("echo from a pipe", "r");
    printf("%s", fgets(line, sizeof line, pipe));
    printf("%d\n", pclose(pipe));
    pid_t child;
    char *words[] = { "sh", "-c", "echo spawned; exit 4", NULL };
    int error = posix_spawn(&child, "/bin/sh", NULL, NULL, words, environ);
    /* Who writes first is nobody's promise. */
    show_end("spawned", child);
    printf("%d\n", error);
    printf("%s\n", errno_name(posix_spawn(&child, "/nowhere", NULL, NULL, words, environ)));
    char name[] = "temporary-XXXXXX";
    int fd = mkstemp(name);
    TRUE_OR_NOT(fd >= 0 && strcmp(name, "temporary-XXXXXX") != 0);
    SHOW(setlocale(LC_ALL, "") != NULL);
    printf("%d %d\n", getpagesize(), (int)(sysconf(_SC_NPROCESSORS_ONLN) >= 1));
    return 0;
}
