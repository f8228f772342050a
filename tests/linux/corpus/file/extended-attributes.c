/* The calls on extended attributes of a file that has none, and names of no class. */
#include "corpus.h"
#include <sys/xattr.h>

int main(void)
{
    char bytes[64];
    make_file("file", "x");
    SHOW(getxattr("file", "user.x", bytes, sizeof bytes) == -1 && (errno == ENODATA || errno == EOPNOTSUPP));
    SHOW(getxattr("missing", "user.x", bytes, sizeof bytes));
    SHOW(listxattr("missing", bytes, sizeof bytes));
    SHOW(setxattr("missing", "user.x", "1", 1, 0));
    SHOW(fgetxattr(99, "user.x", bytes, sizeof bytes));
    return 0;
}
