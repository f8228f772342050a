/* musl */
#include "corpus.h"
#include <pthread.h>

static __thread int own = 1;

static void *body(void *argument)
{
    own = 2;
    return argument;
}

int main(void)
{
    pthread_t thread;
    void *result;
    printf("%d\n", pthread_create(&thread, NULL, body, &own));
    pthread_join(thread, &result);
    printf("own %d, %s\n", own, result == &own ? "the same" : "another");
    char *area = malloc(1 << 20);
    memset(area, 1, 1 << 20);
    area = realloc(area, 4 << 20);
    printf("%d\n", area[(1 << 20) - 1]);
    free(area);
    IN_CHILD("child")
        printf("%.3f %s\n", 1.5, "in the child");
    FILE *file = fopen("file", "w+");
    fprintf(file, "%d lines\n", 3);
    rewind(file);
    int number;
    fscanf(file, "%d", &number);
    printf("%d\n", number);
    fclose(file);
    printf("%d\n", system("exit 5") >> 8);
    FILE *pipe = popen("echo from a pipe", "r");
    char line[64];
    printf("%s", fgets(line, sizeof line, pipe));
    pclose(pipe);
    return 0;
}
