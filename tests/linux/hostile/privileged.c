/* Instructions that are not for programs, each in a child: a signal, and nothing else. */
#include "hostile.h"

static void handler(int number) { _exit(100 + number); }

#define TRY(name, ...) \
    do { \
        pid_t pid = fork(); \
        if (pid == 0) { \
            for (int each = 1; each < 32; each++) \
                if (each == SIGSEGV || each == SIGILL || each == SIGBUS || each == SIGTRAP || each == SIGFPE) \
                    signal(each, handler); \
            __VA_ARGS__; \
            _exit(0); \
        } \
        int status; \
        waitpid(pid, &status, 0); \
        int got = WIFEXITED(status) ? WEXITSTATUS(status) - 100 : -1; \
        if (got != SIGSEGV && got != SIGILL) { \
            printf("%s: status %x\n", name, status); \
            broken(name); \
        } \
        killed++; \
        if (killed % 16 == 0) \
            audit(); \
    } while (0)

#define RUN(text, ...) TRY(text, __asm__ volatile(text : : __VA_ARGS__ : "memory"))

static void interrupt(unsigned vector)
{
    unsigned char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    code[0] = 0xcd;
    code[1] = (unsigned char)vector;
    code[2] = 0xc3;
    ((void (*)(void))code)();
}

int main(void)
{
    static unsigned char memory[4096];
    begin();
    /* A call of the exokernel, from ring 3: with numbers and arguments that would do something from ring 0. */
    for (unsigned call = 0; call < 64; call++)
        RUN("vmcall", "a"(call), "D"(0), "S"(1), "d"(2), "b"(3), "c"(4));
    RUN("vmcall", "a"(~0ull));
    RUN("vmmcall", "a"(0));
    for (unsigned leaf = 0; leaf < 4; leaf++)
        RUN("vmfunc", "a"(leaf), "c"(0));
    RUN("hlt", "a"(0));
    RUN("cli", "a"(0));
    RUN("sti", "a"(0));
    RUN("in $0xe9, %%al", "d"(0));
    RUN("out %%al, $0xe9", "a"(0x44));
    RUN("out %%al, %%dx", "a"(0x44), "d"(0x8900));
    RUN("mov %%rax, %%cr3", "a"(0));
    RUN("mov %%rax, %%cr0", "a"(0));
    RUN("mov %%cr4, %%rax", "d"(0));
    RUN("mov %%rax, %%cr8", "a"(0));
    RUN("mov %%rax, %%dr7", "a"(0));
    RUN("lgdt (%0)", "r"(memory));
    RUN("lidt (%0)", "r"(memory));
    RUN("lldt %%ax", "a"(0));
    RUN("ltr %%ax", "a"(0x28));
    RUN("lmsw %%ax", "a"(0));
    RUN("clts", "a"(0));
    RUN("invd", "a"(0));
    RUN("wbinvd", "a"(0));
    RUN("invlpg (%0)", "r"(memory));
    RUN("swapgs", "a"(0));
    RUN("sysretq", "c"(memory));
    RUN("rdmsr", "c"(0xc0000080));
    RUN("wrmsr", "c"(0xc0000080), "a"(0), "d"(0));
    RUN("wrmsr", "c"(0xc0000102), "a"(1), "d"(0));
    RUN("wrmsr", "c"(0x1d9), "a"(~0), "d"(~0));
    RUN("rdpmc", "c"(0));
    RUN("xsetbv", "c"(0), "a"(0), "d"(0));
    RUN("monitor", "a"(memory), "c"(0), "d"(0));
    RUN("mwait", "a"(0), "c"(0));
    RUN("pushq $0x8; push %0; lretq", "r"(main));
    RUN("push $0x23; push $0; pushfq; push $0x8; push %0; iretq", "r"(main));
    RUN("vmxon (%0)", "r"(memory));
    RUN("vmlaunch", "a"(0));
    RUN("vmread %%rax, %%rcx", "a"(0));
    RUN("invept (%0), %%rax", "r"(memory), "a"(2));
    RUN("getsec", "a"(0));
    /* Every vector but those that programs may call: 3, 4, and Linux's 0x80. */
    for (unsigned vector = 0; vector < 256; vector++)
        if (vector != 3 && vector != 4 && vector != 0x80)
            TRY("int", interrupt(vector));
    finish("privileged");
}
