/* stat and statx agree; what kinds of files there are. */
#include "corpus.h"
#include <sys/sysmacros.h>

int main(void)
{
    struct statx more;
    struct stat is;
    make_file("file", "hello");
    chmod("file", 0640);
    SHOW(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &more));
    stat("file", &is);
    printf("mode %o, size %llu, links %u, block size %u\n", more.stx_mode, (unsigned long long)more.stx_size, more.stx_nlink,
        more.stx_blksize);
    TRUE_OR_NOT(more.stx_ino == is.st_ino);
    TRUE_OR_NOT((more.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    TRUE_OR_NOT(more.stx_mtime.tv_sec == is.st_mtim.tv_sec);
    printf("blocks %ld, block size %ld\n", (long)is.st_blocks, (long)is.st_blksize);
    SHOW(statx(AT_FDCWD, "missing", 0, STATX_BASIC_STATS, &more));
    SHOW(statx(AT_FDCWD, "file", 0x10000000, STATX_BASIC_STATS, &more));
    SHOW(statx(AT_FDCWD, "file", 0, 0x80000000, &more));
    SHOW(statx(AT_FDCWD, "", AT_EMPTY_PATH, STATX_TYPE, &more));
    static const char *const paths[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/tty" };
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        stat(paths[i], &is);
        printf("%s: %s %u:%u\n", paths[i], S_ISCHR(is.st_mode) ? "character" : "other", major(is.st_rdev), minor(is.st_rdev));
    }
    SHOW(stat("/proc/self", &is));
    TRUE_OR_NOT(S_ISDIR(is.st_mode));
    int ends[2];
    pipe(ends);
    fstat(ends[0], &is);
    TRUE_OR_NOT(S_ISFIFO(is.st_mode));
    SHOW(fstat(99, &is));
    return 0;
}
