//! From the boot loader's 32-bit protected mode to Rust in 64-bit mode at the kernel's own addresses.
//!
//! Multiboot2 (specification 2.0, §3.2-3.3) hands over with paging off, EAX holding its magic number and EBX the physical
//! address of the boot information. The tables made here map the first 4 GiB three times: as themselves, at
//! the physical window, and (the first GiB) at the kernel's addresses. `main` replaces them soon.

use core::arch::global_asm;

global_asm!(
    r#"
    .section .multiboot2, "a"
    .align 8
multiboot2_header:
    .long 0xe85250d6                    /* magic */
    .long 0                             /* architecture: i386 protected mode */
    .long multiboot2_header_end - multiboot2_header
    .long -(0xe85250d6 + 0 + (multiboot2_header_end - multiboot2_header))
    .short 1, 1                         /* information request, optional */
    .long 8 + 6 * 4
    .long 1, 3, 6, 9, 14, 15            /* command line, modules, memory map, ELF sections, ACPI 1 and 2 */
    .short 6, 1                         /* modules page aligned */
    .long 8
    .short 0, 0                         /* end */
    .long 8
multiboot2_header_end:

    .section .boot, "awx"
    .code32
    .global ravelin_start
ravelin_start:
    cli
    cld
    mov edi, eax
    mov esi, ebx
    mov esp, offset boot_stack_end

    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb no_long_mode
    mov eax, 0x80000001
    cpuid
    bt edx, 29
    jnc no_long_mode

    /* Page directories: 4 GiB of 2 MiB pages, present and writable. */
    mov ebx, offset boot_directories
    mov eax, 0x83
    xor ecx, ecx
2:  mov [ebx + ecx * 8], eax
    mov dword ptr [ebx + ecx * 8 + 4], 0
    add eax, 0x200000
    inc ecx
    cmp ecx, 2048
    jne 2b
    mov eax, offset boot_directories + 3
    mov ebx, offset boot_low_pointers
    xor ecx, ecx
3:  mov [ebx + ecx * 8], eax
    add eax, 4096
    inc ecx
    cmp ecx, 4
    jne 3b
    mov dword ptr [boot_high_pointers + 510 * 8], offset boot_directories + 3
    mov dword ptr [boot_root], offset boot_low_pointers + 3
    mov dword ptr [boot_root + 256 * 8], offset boot_low_pointers + 3
    mov dword ptr [boot_root + 511 * 8], offset boot_high_pointers + 3

    mov eax, offset boot_root
    mov cr3, eax
    mov eax, 0x20                       /* PAE, and nothing that firmware may have left: LA57 would be another table */
    mov cr4, eax
    mov ecx, 0xc0000080                 /* EFER: LME and NXE */
    rdmsr
    or eax, 0x900
    wrmsr
    mov eax, cr0
    or eax, 0x80010001                  /* PG, WP, PE */
    mov cr0, eax
    lgdt [boot_gdt_pointer]
    .byte 0xea                          /* far jump to the 64-bit code segment */
    .long long_mode
    .short 8

no_long_mode:
    mov esi, offset no_long_mode_text
4:  lodsb
    test al, al
    jz 6f
    out 0xe9, al
    mov ah, al
    mov dx, 0x3fd
5:  in al, dx
    test al, 0x20
    jz 5b
    mov al, ah
    mov dx, 0x3f8
    out dx, al
    jmp 4b
6:  hlt
    jmp 6b

    .code64
long_mode:
    xor eax, eax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov fs, ax
    mov gs, ax
    mov edi, edi                        /* the magic number, zero-extended */
    mov esi, esi                        /* the boot information, zero-extended */
    movabs rsp, offset kernel_stack_top
    xor ebp, ebp
    push rbp
    movabs rax, offset kernel_main
    jmp rax

    .align 8
boot_gdt:
    .quad 0
    .quad 0x00af9a000000ffff
boot_gdt_pointer:
    .short 15
    .long boot_gdt
no_long_mode_text:
    .asciz "refused reason=\"this CPU has no 64-bit mode\"\r\n"

    .align 4096
boot_root: .skip 4096
boot_low_pointers: .skip 4096
boot_high_pointers: .skip 4096
boot_directories: .skip 4 * 4096
boot_stack: .skip 256
boot_stack_end:

    .section .bss.stack, "aw", @nobits
    .align 4096
    .global kernel_stack_guard
kernel_stack_guard: .skip 4096
    .global kernel_stack_bottom
kernel_stack_bottom: .skip 262144
    .global kernel_stack_top
kernel_stack_top:
    .text
"#
);
