//! State that no VMCS field holds, so that the kernel must switch it by hand: debug registers, what SYSCALL and RDTSCP
//! read, and the upper halves of the vector registers.

use alloc::format;
use alloc::string::String;
use core::arch::asm;
use exo_user::abi::boot_page::BootPage;
use exo_user::cpu::{self, msr};
use exo_user::page_table::Flags;
use exo_user::segments::STAR;
use guests::user_mode;

const TSC_AUX: u32 = 0xc000_0103;

/// What this environment has put where.
pub struct Unswitched {
    /// What SYSCALL's entry answers: its address differs from one environment to the next, and so does this.
    answer: u32,
    /// What TSC_AUX holds, where the CPU has RDTSCP.
    tsc_aux: Option<u32>,
    avx: bool,
}

/// What 16 YMM registers hold.
type Vectors = [[u64; 4]; 16];

impl Unswitched {
    /// Makes first use of everything, which may exit.
    pub fn prepare(boot: &BootPage, key: u64) -> Result<Unswitched, String> {
        const RDTSCP: u32 = 1 << 27;
        let [a, b, c, d, ..] = key.to_le_bytes();
        let entry = 0x1000_7000_0000 + u64::from(boot.environment_index) * 0x1_0000;
        // `mov eax, ANSWER; jmp rcx`: SYSCALL has left the way back in rcx.
        user_mode::map_page(entry, &[0xb8, a, b, c, d, 0xff, 0xe1], Flags::empty())
            .map_err(|error| format!("{error}"))?;
        // SAFETY: the entry is valid code that needs no stack; nothing else here uses SYSCALL, or breakpoints.
        unsafe {
            cpu::write_msr(msr::STAR, STAR);
            cpu::write_msr(msr::LSTAR, entry);
            cpu::write_msr(msr::FMASK, 0);
        }
        let tsc_aux = (cpu::cpuid(0x8000_0001, 0).edx & RDTSCP != 0).then(|| u32::from_le_bytes([d, c, b, a]));
        if let Some(value) = tsc_aux {
            // SAFETY: only RDTSCP reads it.
            unsafe { cpu::write_msr(TSC_AUX, value.into()) };
        }
        exchange_debug_addresses([0; 4]);
        Ok(Unswitched { answer: u32::from_le_bytes([a, b, c, d]), tsc_aux, avx: enable_avx() })
    }

    /// Holds patterns for `delay` turns of a loop and compares.
    pub fn audit(&self, seed: u64, delay: u64) -> Result<(), String> {
        let word = |number: u64| (seed ^ number).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(31);
        let addresses = [1, 2, 3, 4].map(|number| word(number) >> 17);
        exchange_debug_addresses(addresses);
        if self.avx {
            let wanted: Vectors = core::array::from_fn(|row| [0, 1, 2, 3].map(|column| word(row as u64 * 4 + column)));
            let seen = hold_vectors(&wanted, delay);
            if seen != wanted {
                return Err(format!("vector registers hold {seen:x?} instead of {wanted:x?}"));
            }
        }
        let seen = exchange_debug_addresses([0; 4]);
        if seen != addresses {
            return Err(format!("debug registers hold {seen:x?} instead of {addresses:x?}"));
        }
        let answer = system_call();
        if answer != self.answer {
            return Err(format!("SYSCALL answered {answer:#x} instead of {:#x}", self.answer));
        }
        match self.tsc_aux {
            Some(wanted) if read_tsc_aux() != wanted => {
                Err(format!("RDTSCP gives {:#x}, not {wanted:#x}", read_tsc_aux()))
            }
            _ => Ok(()),
        }
    }
}

fn enable_avx() -> bool {
    const XSAVE_AND_AVX: u32 = 1 << 26 | 1 << 28;
    const OSXSAVE: u64 = 1 << 18;
    const X87_SSE_AVX: u32 = 7;
    if cpu::cpuid(1, 0).ecx & XSAVE_AND_AVX != XSAVE_AND_AVX {
        return false;
    }
    // SAFETY: makes XSETBV exist and gives it a value that a CPU with AVX takes.
    unsafe {
        cpu::write_cr4(cpu::read_cr4() | OSXSAVE);
        asm!("xsetbv", in("ecx") 0, in("eax") X87_SSE_AVX, in("edx") 0, options(nomem, nostack));
    }
    true
}

/// Puts four addresses into DR0 to DR3, with no breakpoint enabled; what was there.
fn exchange_debug_addresses(new: [u64; 4]) -> [u64; 4] {
    let (a, b, c, d): (u64, u64, u64, u64);
    // SAFETY: DR7 enables nothing, so that the addresses have no effect.
    unsafe {
        asm!("mov {}, dr0", "mov {}, dr1", "mov {}, dr2", "mov {}, dr3", out(reg) a, out(reg) b, out(reg) c, out(reg) d);
        asm!("mov dr0, {}", "mov dr1, {}", "mov dr2, {}", "mov dr3, {}", in(reg) new[0], in(reg) new[1], in(reg) new[2], in(reg) new[3]);
    }
    [a, b, c, d]
}

fn system_call() -> u32 {
    let answer: u32;
    // SAFETY: the entry sets eax and comes back by rcx; SYSCALL itself changes rcx and r11. Segments stay as they are.
    unsafe { asm!("syscall", out("eax") answer, out("rcx") _, out("r11") _, options(nostack)) };
    answer
}

fn read_tsc_aux() -> u32 {
    let value: u32;
    // SAFETY: reads a register.
    unsafe { asm!("rdtscp", out("eax") _, out("edx") _, out("ecx") value, options(nomem, nostack)) };
    value
}

/// Loads all vector registers, spins without touching them, and stores them again.
fn hold_vectors(wanted: &Vectors, delay: u64) -> Vectors {
    let mut seen: Vectors = [[0; 4]; 16];
    // SAFETY: AVX is enabled; this soft-float program keeps nothing in vector registers.
    unsafe {
        asm!(
            "vmovdqu ymm0, [rsi]", "vmovdqu ymm1, [rsi+32]", "vmovdqu ymm2, [rsi+64]", "vmovdqu ymm3, [rsi+96]",
            "vmovdqu ymm4, [rsi+128]", "vmovdqu ymm5, [rsi+160]", "vmovdqu ymm6, [rsi+192]", "vmovdqu ymm7, [rsi+224]",
            "vmovdqu ymm8, [rsi+256]", "vmovdqu ymm9, [rsi+288]", "vmovdqu ymm10, [rsi+320]", "vmovdqu ymm11, [rsi+352]",
            "vmovdqu ymm12, [rsi+384]", "vmovdqu ymm13, [rsi+416]", "vmovdqu ymm14, [rsi+448]", "vmovdqu ymm15, [rsi+480]",
            "4: dec rcx",
            "jnz 4b",
            "vmovdqu [rdi], ymm0", "vmovdqu [rdi+32], ymm1", "vmovdqu [rdi+64], ymm2", "vmovdqu [rdi+96], ymm3",
            "vmovdqu [rdi+128], ymm4", "vmovdqu [rdi+160], ymm5", "vmovdqu [rdi+192], ymm6", "vmovdqu [rdi+224], ymm7",
            "vmovdqu [rdi+256], ymm8", "vmovdqu [rdi+288], ymm9", "vmovdqu [rdi+320], ymm10", "vmovdqu [rdi+352], ymm11",
            "vmovdqu [rdi+384], ymm12", "vmovdqu [rdi+416], ymm13", "vmovdqu [rdi+448], ymm14", "vmovdqu [rdi+480], ymm15",
            in("rsi") wanted,
            in("rdi") &mut seen,
            inout("rcx") delay => _,
            options(nostack),
        );
    }
    seen
}
