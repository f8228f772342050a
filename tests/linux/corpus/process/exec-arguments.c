/* Arguments and environment arrive as they were given, empty ones too. */
#include "corpus.h"

extern char **environ;

int main(int count, char **words)
{
    if (count == 1) {
        char *arguments[] = { words[0], "", "a b", "-x", "", NULL };
        char *environment[] = { "A=1", "B=", "=c", "D", NULL };
        execve("/proc/self/exe", arguments, environment);
        return 1;
    }
    for (int i = 1; i < count; i++)
        printf("word %d: \"%s\"\n", i, words[i]);
    TRUE_OR_NOT(words[count] == NULL);
    for (int i = 0; environ[i]; i++)
        printf("environment %d: \"%s\"\n", i, environ[i]);
    return 0;
}
