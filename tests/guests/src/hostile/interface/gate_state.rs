//! What a call through a gate must not carry over: registers that the message does not have.

use super::gate_races::{Side, answers, client_of, end, server_of, transfer, word};
use super::{Case, EXITS, Verdict};
use crate::kit::{OWN, ask, must, same, thread};
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::cpu;

pub const CASES: &[Case] =
    &[Case::new("gate-state", EXITS, state, "keeps state in every register that a call through a gate does not carry")];

/// Which registers the two sides use.
const PLAIN: u64 = 0;
const SYSTEM: u64 = 1;
const DEBUG: u64 = 2;

const KERNEL_GS_BASE: u32 = 0xc000_0102;
const STAR: u32 = 0xc000_0081;
const LSTAR: u32 = 0xc000_0082;
const FMASK: u32 = 0xc000_0084;
const TSC_AUX: u32 = 0xc000_0103;
const XSAVE: u32 = 1 << 26;
const OSXSAVE: u64 = 1 << 18;

/// The first difference that a side saw: which register, and 1.
static DIFFERS: AtomicU64 = AtomicU64::new(0);

fn write_msr(register: u32, value: u64) {
    // SAFETY: registers of the child's own that nothing here uses.
    unsafe {
        asm!("wrmsr", in("ecx") register, in("rax") value & 0xffff_ffff, in("rdx") value >> 32,
            options(nomem, nostack));
    }
}

fn read_msr(register: u32) -> u64 {
    let (low, high): (u64, u64);
    // SAFETY: reads a register that the guest may read.
    unsafe { asm!("rdmsr", in("ecx") register, out("rax") low, out("rdx") high, options(nomem, nostack)) };
    high << 32 | low & 0xffff_ffff
}

fn has_xsave() -> bool {
    cpu::cpuid(1, 0).ecx & XSAVE != 0
}

/// What a side has in its registers: `mark` is small and its own.
fn set(variant: u64, mark: u64) {
    // SAFETY: registers of the child's own that nothing here uses.
    unsafe { asm!("mov cr2, {}", in(reg) mark << 12, options(nomem, nostack)) };
    write_msr(KERNEL_GS_BASE, mark << 20);
    if variant == SYSTEM {
        [(STAR, mark << 48), (LSTAR, mark << 12), (FMASK, mark << 8), (TSC_AUX, mark)]
            .into_iter()
            .for_each(|(register, value)| write_msr(register, value));
        if has_xsave() {
            // SAFETY: makes XSETBV exist; 1 and 3 are values that every CPU with it takes.
            unsafe {
                cpu::write_cr4(cpu::read_cr4() | OSXSAVE);
                asm!("xsetbv", in("ecx") 0, in("rax") 1 | mark & 2, in("rdx") 0, options(nomem, nostack));
            }
        }
    }
    if variant == DEBUG {
        // SAFETY: no breakpoint is on.
        unsafe { asm!("mov dr0, {0}", "mov dr3, {0}", in(reg) mark << 4, options(nomem, nostack)) };
    }
}

fn check(variant: u64, mark: u64) {
    let differ = |which: u64, seen: u64, wanted: u64| {
        if seen != wanted {
            let _ = DIFFERS.compare_exchange(0, which << 8 | mark, Ordering::SeqCst, Ordering::SeqCst);
        }
    };
    let value: u64;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, cr2", out(reg) value, options(nomem, nostack)) };
    differ(1, value, mark << 12);
    differ(2, read_msr(KERNEL_GS_BASE), mark << 20);
    if variant == SYSTEM {
        differ(3, read_msr(STAR), mark << 48);
        differ(4, read_msr(LSTAR), mark << 12);
        differ(5, read_msr(FMASK), mark << 8);
        let (low, aux): (u64, u64);
        // SAFETY: reads registers. The kernel's copy is one thing, the CPU's own another.
        unsafe { asm!("rdtscp", out("rax") _, out("rdx") _, out("rcx") aux, options(nomem, nostack)) };
        differ(6, aux, mark);
        if has_xsave() {
            // SAFETY: reads a register.
            unsafe { asm!("xgetbv", in("ecx") 0, out("rax") low, out("rdx") _, options(nomem, nostack)) };
            differ(7, low, 1 | mark & 2);
        }
    }
    if variant == DEBUG {
        let (first, last): (u64, u64);
        // SAFETY: reads registers.
        unsafe { asm!("mov {}, dr0", "mov {}, dr3", out(reg) first, out(reg) last, options(nomem, nostack)) };
        differ(8, first, mark << 4);
        differ(9, last, mark << 4);
    }
}

const SERVERS: u64 = 1;
const CLIENTS: u64 = 2;

extern "C" fn serve(page: u64, variant: u64) -> ! {
    thread::mask_all(page);
    ask(Call::GateOpen, (OWN, 0), &[0]);
    set(variant, SERVERS);
    cpu::enable_interrupts();
    loop {
        transfer(word(Call::GateReply, 0));
        check(variant, SERVERS);
    }
}

/// The variant is in the bits of the server's name that no name has.
extern "C" fn call(page: u64, argument: u64) -> ! {
    let (server, variant) = Side::parts(argument);
    thread::mask_all(page);
    set(variant, CLIENTS);
    cpu::enable_interrupts();
    Side::call_for_ever(server, || check(variant, CLIENTS))
}

fn state(boot: &'static BootPage) -> Verdict {
    const ANSWERS: u64 = 300;
    Side::names()?;
    let cpu = thread::other_cpu(boot.cpu);
    for variant in [PLAIN, SYSTEM, DEBUG] {
        let one = server_of(boot, cpu, serve, variant)?;
        let other = client_of(boot, cpu, &one, call, Side::with(&one, variant))?;
        let before = answers();
        crate::kit::until("the gate answers", || answers() > before + ANSWERS)?;
        end(&other)?;
        end(&one)?;
        let differs = DIFFERS.load(Ordering::SeqCst);
        same("the register that differs, and on which side", differs, 0)?;
    }
    must("many answers came", answers() >= 3 * ANSWERS)
}
