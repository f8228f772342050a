/* A map reaches beyond its file: zeros to the end of the page, SIGBUS behind it, until the file grows. */
#include "corpus.h"
#include <setjmp.h>

static sigjmp_buf back;
static char *area;

static void handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    printf("%s, code %s, at page %ld\n", signal_name(number), info->si_code == BUS_ADRERR ? "BUS_ADRERR" : "other",
        (long)((char *)info->si_addr - area) / 4096);
    siglongjmp(back, 1);
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(SIGBUS, &action, NULL);
    make_file("file", "abc");
    int fd = open("file", O_RDWR);
    area = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("%d %d\n", area[3], area[4095]);
    area[100] = 1;
    if (sigsetjmp(back, 1) == 0)
        printf("%d\n", *(volatile char *)(area + 4096));
    if (sigsetjmp(back, 1) == 0)
        *(volatile char *)(area + 2 * 4096 + 5) = 1;
    struct stat is;
    fstat(fd, &is);
    printf("size %ld\n", (long)is.st_size);
    ftruncate(fd, 2 * 4096);
    printf("%d\n", *(volatile char *)(area + 4096));
    area[4096] = 'x';
    ftruncate(fd, 4096);
    if (sigsetjmp(back, 1) == 0)
        printf("%d\n", *(volatile char *)(area + 4096));
    ftruncate(fd, 2 * 4096);
    printf("%d\n", *(volatile char *)(area + 4096));
    return 0;
}
