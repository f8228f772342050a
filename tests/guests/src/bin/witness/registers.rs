//! A pattern in every register that a guest has, held while the CPU goes to others and comes back.

use alloc::format;
use alloc::string::String;
use core::arch::asm;
use exo_user::cpu::{self, msr};

const GENERAL: usize = 15;
const VECTOR_WORDS: usize = 32;
const CONTROL_NAMES: [&str; 5] = ["cr2", "cr8", "fs base", "gs base", "kernel gs base"];
/// All exceptions masked, as at reset, but flushing denormals: a value that nobody else happens to have.
const MXCSR: u32 = 0x9f80;
/// All exceptions masked, double precision: the same idea.
const X87_CONTROL: u16 = 0x027f;

/// What is loaded, and what was there afterwards. The assembly knows the offsets.
#[repr(C, align(16))]
struct Bank {
    /// rax rbx rcx rdx rsi rdi rbp r8…r15; the last element only pads.
    general: [u64; GENERAL + 1],
    vector: [u64; VECTOR_WORDS],
}

#[repr(C)]
struct Banks {
    loaded: Bank,
    seen: Bank,
}

const SEEN: usize = size_of::<Bank>();

fn pattern(seed: u64, number: usize) -> u64 {
    (seed ^ number as u64).wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(23)
}

/// Loads all general and vector registers, spins without touching them, and stores them again.
fn hold(banks: &mut Banks, delay: u64) {
    // SAFETY: (1) rbx and rbp are kept on the stack and every other register is declared; (2) memory is touched in
    // `banks` and on the stack only; (3) CR4.OSFXSR is set in every environment's first state.
    unsafe {
        asm!(
            "push rbx", "push rbp", "push rdi", "push rsi",
            "movdqu xmm0, [rdi+128]", "movdqu xmm1, [rdi+144]", "movdqu xmm2, [rdi+160]", "movdqu xmm3, [rdi+176]",
            "movdqu xmm4, [rdi+192]", "movdqu xmm5, [rdi+208]", "movdqu xmm6, [rdi+224]", "movdqu xmm7, [rdi+240]",
            "movdqu xmm8, [rdi+256]", "movdqu xmm9, [rdi+272]", "movdqu xmm10, [rdi+288]", "movdqu xmm11, [rdi+304]",
            "movdqu xmm12, [rdi+320]", "movdqu xmm13, [rdi+336]", "movdqu xmm14, [rdi+352]", "movdqu xmm15, [rdi+368]",
            "mov rax, [rdi]", "mov rbx, [rdi+8]", "mov rcx, [rdi+16]", "mov rdx, [rdi+24]", "mov rsi, [rdi+32]",
            "mov rbp, [rdi+48]", "mov r8, [rdi+56]", "mov r9, [rdi+64]", "mov r10, [rdi+72]", "mov r11, [rdi+80]",
            "mov r12, [rdi+88]", "mov r13, [rdi+96]", "mov r14, [rdi+104]", "mov r15, [rdi+112]",
            "mov rdi, [rdi+40]",
            // The only thing that moves is a word on the stack.
            "4: dec qword ptr [rsp]",
            "jnz 4b",
            "push rdi",
            "mov rdi, [rsp+16]",
            "lea rdi, [rdi+{seen}]",
            "mov [rdi], rax", "mov [rdi+8], rbx", "mov [rdi+16], rcx", "mov [rdi+24], rdx", "mov [rdi+32], rsi",
            "mov [rdi+48], rbp", "mov [rdi+56], r8", "mov [rdi+64], r9", "mov [rdi+72], r10", "mov [rdi+80], r11",
            "mov [rdi+88], r12", "mov [rdi+96], r13", "mov [rdi+104], r14", "mov [rdi+112], r15",
            "pop rax",
            "mov [rdi+40], rax",
            "movdqu [rdi+128], xmm0", "movdqu [rdi+144], xmm1", "movdqu [rdi+160], xmm2", "movdqu [rdi+176], xmm3",
            "movdqu [rdi+192], xmm4", "movdqu [rdi+208], xmm5", "movdqu [rdi+224], xmm6", "movdqu [rdi+240], xmm7",
            "movdqu [rdi+256], xmm8", "movdqu [rdi+272], xmm9", "movdqu [rdi+288], xmm10", "movdqu [rdi+304], xmm11",
            "movdqu [rdi+320], xmm12", "movdqu [rdi+336], xmm13", "movdqu [rdi+352], xmm14", "movdqu [rdi+368], xmm15",
            "pop rsi", "pop rdi", "pop rbp", "pop rbx",
            seen = const SEEN,
            in("rdi") banks,
            in("rsi") delay,
            out("rax") _, out("rcx") _, out("rdx") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            out("r12") _, out("r13") _, out("r14") _, out("r15") _,
        );
    }
}

fn control(write: Option<&[u64; 5]>) -> [u64; 5] {
    if let Some(&[cr2, cr8, fs, gs, kernel_gs]) = write {
        // SAFETY: nothing in this guest uses CR2, the task priority, FS or GS.
        unsafe {
            cpu::write_cr2(cr2);
            cpu::write_cr8(cr8);
            cpu::write_msr(msr::FS_BASE, fs);
            cpu::write_msr(msr::GS_BASE, gs);
            cpu::write_msr(msr::KERNEL_GS_BASE, kernel_gs);
        }
    }
    let bases = [msr::FS_BASE, msr::GS_BASE, msr::KERNEL_GS_BASE].map(cpu::read_msr);
    [cpu::read_cr2(), cpu::read_cr8(), bases[0], bases[1], bases[2]]
}

fn floating_point_words() -> (u32, u16) {
    let (mut mxcsr, mut x87) = (0_u32, 0_u16);
    // SAFETY: stores two control words to the variables named.
    unsafe { asm!("stmxcsr [{}]", "fnstcw [{}]", in(reg) &raw mut mxcsr, in(reg) &raw mut x87, options(nostack)) };
    (mxcsr, x87)
}

fn set_floating_point_words() {
    // SAFETY: loads two valid control words; this guest computes nothing in floating point.
    unsafe { asm!("ldmxcsr [{}]", "fldcw [{}]", in(reg) &MXCSR, in(reg) &X87_CONTROL, options(nostack)) };
}

/// Holds a pattern for `delay` turns of a loop and compares.
pub fn audit(seed: u64, delay: u64) -> Result<(), String> {
    let bank = |seed| Bank {
        general: core::array::from_fn(|number| pattern(seed, number)),
        vector: core::array::from_fn(|number| pattern(seed, 100 + number)),
    };
    let mut banks = Banks { loaded: bank(seed), seen: bank(!seed) };
    // Addresses in segment bases must be canonical: keep them below 2^47.
    let wanted = [0, 1, 2, 3, 4].map(|number| pattern(seed, 200 + number) >> 17);
    let wanted = [wanted[0], wanted[1] % 16, wanted[2], wanted[3], wanted[4]];
    control(Some(&wanted));
    set_floating_point_words();
    hold(&mut banks, delay);
    let (mxcsr, x87) = floating_point_words();
    let seen = control(None);
    for ((name, seen), wanted) in CONTROL_NAMES.iter().zip(seen).zip(wanted) {
        if seen != wanted {
            return Err(format!("{name} is {seen:#x} instead of {wanted:#x}"));
        }
    }
    if (mxcsr, x87) != (MXCSR, X87_CONTROL) {
        return Err(format!("mxcsr is {mxcsr:#x} and the x87 control word {x87:#x}"));
    }
    let general = banks.loaded.general[..GENERAL].iter().zip(&banks.seen.general).enumerate();
    let vector = banks.loaded.vector.iter().zip(&banks.seen.vector).enumerate();
    for (kind, number, wanted, seen) in general
        .map(|(number, (wanted, seen))| ("general", number, wanted, seen))
        .chain(vector.map(|(number, (wanted, seen))| ("vector", number, wanted, seen)))
    {
        if wanted != seen {
            return Err(format!("{kind} register word {number} is {seen:#x} instead of {wanted:#x}"));
        }
    }
    Ok(())
}
