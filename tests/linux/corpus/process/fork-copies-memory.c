/* After fork each process writes its own copy, in both directions and in every kind of private memory. */
#include "corpus.h"

static int data = 1;
static int zero;

int main(void)
{
    int stack = 1;
    int *heap = malloc(sizeof *heap);
    int *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int to_child[2], to_parent[2];
    char byte;
    *heap = *map = 1;
    NEED(pipe(to_child));
    NEED(pipe(to_parent));
    pid_t child = fork();
    if (child == 0) {
        data = zero = stack = *heap = *map = 2;
        write(to_parent[1], "x", 1);
        read(to_child[0], &byte, 1);
        printf("child: %d %d %d %d %d\n", data, zero, stack, *heap, *map);
        return 0;
    }
    read(to_parent[0], &byte, 1);
    printf("parent, the child has written: %d %d %d %d %d\n", data, zero, stack, *heap, *map);
    data = zero = stack = *heap = *map = 3;
    write(to_child[1], "x", 1);
    show_end("child", child);
    printf("parent: %d %d %d %d %d\n", data, zero, stack, *heap, *map);
    return 0;
}
