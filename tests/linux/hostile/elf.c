/* Programs that are none: every byte of the headers changed, the file cut everywhere, offsets and sizes beyond all bounds. */
#include "hostile.h"
#include <elf.h>

/* The least that runs: one segment, whose code says exit(7). */
static unsigned char good[4096];
static size_t good_length;

static void make(void)
{
    static const unsigned char code[] = { 0xbf, 7, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05 };
    Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_EXEC, .e_machine = EM_X86_64,
        .e_version = 1, .e_entry = 0x400000 + 64 + 2 * 56, .e_phoff = 64, .e_ehsize = 64, .e_phentsize = 56, .e_phnum = 2 };
    Elf64_Phdr segments[2] = { { PT_LOAD, PF_R | PF_X, 0, 0x400000, 0x400000, 4096, 4096, 4096 },
        { PT_LOAD, PF_R | PF_W, 0, 0x600000, 0x600000, 100, 9000, 4096 } };
    memcpy(good, &header, 64);
    memcpy(good + 64, segments, sizeof segments);
    memcpy(good + 64 + sizeof segments, code, sizeof code);
    good_length = 64 + sizeof segments + sizeof code;
}

static void run(const unsigned char *bytes, size_t length, int wanted)
{
    int fd = open("/tmp/program", O_CREAT | O_TRUNC | O_WRONLY, 0700), status;
    if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
        broken("writing a program");
    close(fd);
    pid_t pid = vfork();
    if (pid == 0) {
        execl("/tmp/program", "program", (char *)NULL);
        _exit(errno == ETXTBSY ? 98 : 99);
    }
    if (wanted >= 0) {
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != wanted)
            broken("a program that is one");
        exited++;
        return;
    }
    take_back(pid, 200);
}

int main(void)
{
    static const uint64_t values[] = { 0, 1, 0xfff, 0x1000, 0x7fffffff, 0x7fffffffffff, 0x800000000000, 0x7fffffffffffffff, ~0ull, ~0ull - 4095 };
    unsigned char bytes[4096];
    begin();
    make();
    run(good, good_length, 7);
    for (size_t length = 0; length < 64 + 2 * 56; length += 5)
        run(good, length, -1);
    for (size_t at = 0; at < 64 + 2 * 56; at++) {
        memcpy(bytes, good, sizeof bytes);
        bytes[at] ^= (unsigned char)(1 << (at % 8));
        run(bytes, good_length, -1);
        bytes[at] = 0xff;
        run(bytes, good_length, -1);
        if (at % 40 == 39)
            audit();
    }
    /* Each word of the second segment and of the header, with each value. */
    for (size_t at = 24; at < 64 + 2 * 56; at += 8)
        for (size_t i = 0; i < sizeof values / sizeof *values; i += 1 + at % 2) {
            memcpy(bytes, good, sizeof bytes);
            memcpy(bytes + at, &values[i], 8);
            run(bytes, good_length, -1);
        }
    /* Interpreters that lead in a circle, and to nothing. */
    const char *lines[] = { "#!", "#!\n", "#! \n", "#!/tmp/program\n", "#!/missing\n", "#!/tmp\n", "#!\0x\n", "#!//////////////////////////////////////////\n" };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        run((const unsigned char *)lines[i], strlen(lines[i]), -1);
    memset(bytes, '#', sizeof bytes);
    run(bytes, sizeof bytes, -1);
    run(good, good_length, 7);
    finish("elf");
}
