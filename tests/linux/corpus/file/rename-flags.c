/* renameat2: RENAME_NOREPLACE and RENAME_EXCHANGE. */
#include "corpus.h"

int main(void)
{
    make_file("a", "A");
    make_file("b", "B");
    mkdir("d", 0755);
    make_file("d/in", "I");
    SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "b", RENAME_EXCHANGE));
    show_file("b");
    show_file("c");
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "missing", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "d", RENAME_EXCHANGE));
    show_file("d");
    show_file("c/in");
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "c/in", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "d", RENAME_EXCHANGE | RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "d", 64));
    SHOW(syscall(SYS_renameat2, 99, "b", AT_FDCWD, "d", 0));
    return 0;
}
