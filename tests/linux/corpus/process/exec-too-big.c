/* Arguments that are too long: one of more than 128 KiB, or all of them together. */
#include "corpus.h"

int main(int count, char **words)
{
    if (count > 1) {
        printf("%d words, the last of %zu bytes\n", count, strlen(words[count - 1]));
        return 0;
    }
    static char word[131073];
    memset(word, 'a', sizeof word - 1);
    SHOW(execl("/proc/self/exe", words[0], word, (char *)NULL));
    word[131071] = 0;
    IN_CHILD("the longest word")
        execl("/proc/self/exe", words[0], word, (char *)NULL);
    static char *many[64];
    many[0] = words[0];
    for (int i = 1; i < 63; i++)
        many[i] = word;
    SHOW(execv("/proc/self/exe", many));
    return 0;
}
