/* chroot: a new top, for this process and its children, for root only. */
#include "corpus.h"

int main(void)
{
    mkdir("top", 0755);
    make_file("top/inside", "x");
    make_file("outside", "x");
    symlink("/inside", "top/link");
    SHOW(chroot("missing"));
    SHOW(chroot("outside"));
    IN_CHILD("child") {
        SHOW(chroot("top"));
        SHOW(access("/inside", F_OK));
        SHOW(access("/link", F_OK));
        SHOW(access("/../inside", F_OK));
        SHOW(access("/tmp", F_OK));
        SHOW(chdir("/"));
        SHOW(access("../outside", F_OK));
        char here[64];
        SHOW(getcwd(here, sizeof here) ? 0 : -1);
        printf("%s\n", here);
        setuid(1000);
        SHOW(chroot("."));
    }
    SHOW(access("/inside", F_OK));
    return 0;
}
