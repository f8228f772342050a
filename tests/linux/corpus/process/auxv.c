/* What the auxiliary vector says of the process. */
#include "corpus.h"
#include <elf.h>
#include <sys/auxv.h>

int main(int count, char **words)
{
    (void)count;
    printf("AT_PAGESZ %lu\n", getauxval(AT_PAGESZ));
    printf("AT_CLKTCK %lu\n", getauxval(AT_CLKTCK));
    printf("AT_SECURE %lu\n", getauxval(AT_SECURE));
    printf("ids %lu %lu %lu %lu\n", getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID), getauxval(AT_EGID));
    TRUE_OR_NOT(getauxval(AT_RANDOM) != 0);
    TRUE_OR_NOT(strcmp((char *)getauxval(AT_EXECFN), words[0]) == 0);
    const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
    TRUE_OR_NOT(headers != NULL);
    printf("AT_PHENT %lu\n", getauxval(AT_PHENT));
    int loads = 0;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
        loads += headers[i].p_type == PT_LOAD;
    TRUE_OR_NOT(loads >= 2);
    TRUE_OR_NOT(getauxval(AT_ENTRY) != 0);
    printf("AT_BASE %lu\n", getauxval(AT_BASE));
    printf("AT_FLAGS %lu\n", getauxval(AT_FLAGS));
    printf("AT_PLATFORM %s\n", (char *)getauxval(AT_PLATFORM));
    return 0;
}
