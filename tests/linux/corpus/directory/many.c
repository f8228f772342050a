/* Five hundred names in small pieces, with telldir and seekdir; names that go while one reads. */
#include "corpus.h"
#include <dirent.h>

int main(void)
{
    static char seen[500];
    char name[32];
    mkdir("d", 0755);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "d/name-%d", i);
        close(open(name, O_WRONLY | O_CREAT, 0644));
    }
    DIR *stream = opendir("d");
    int count = 0, twice = 0, number;
    long middle = 0;
    char at_middle[256] = "";
    for (struct dirent *entry; (entry = readdir(stream)); ) {
        if (sscanf(entry->d_name, "name-%d", &number) == 1)
            twice += seen[number]++;
        if (++count == 250)
            middle = telldir(stream);
        if (count == 251)
            strcpy(at_middle, entry->d_name);
    }
    printf("%d names, %d twice\n", count, twice);
    seekdir(stream, middle);
    TRUE_OR_NOT(strcmp(readdir(stream)->d_name, at_middle) == 0);
    rewinddir(stream);
    int removed = 0;
    for (struct dirent *entry; (entry = readdir(stream)); )
        if (sscanf(entry->d_name, "name-%d", &number) == 1)
            removed += unlinkat(dirfd(stream), entry->d_name, 0) == 0;
    printf("%d removed while reading\n", removed);
    SHOW(rmdir("d"));
    return 0;
}
