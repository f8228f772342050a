/*
 * All programs of one C library in one file: 150 copies of the library would take minutes to load. Which of them a process is, the
 * last two parts of its first word say. programs.inc has a line PROGRAM("AREA/NAME", FUNCTION) for each.
 */
#include <stdio.h>
#include <string.h>

#define PROGRAM(name, function) int function(int, char **, char **);
#include "programs.inc"
#undef PROGRAM

static const struct {
    const char *name;
    int (*run)(int, char **, char **);
} programs[] = {
#define PROGRAM(name, function) { name, function },
#include "programs.inc"
};

int main(int count, char **words, char **environment)
{
    size_t length = count > 0 ? strlen(words[0]) : 0;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        size_t name = strlen(programs[i].name);
        if (length >= name && strcmp(words[0] + length - name, programs[i].name) == 0)
            return programs[i].run(count, words, environment);
    }
    fprintf(stderr, "%s: there is no such program\n", count > 0 ? words[0] : "");
    return 122;
}
