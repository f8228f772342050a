//! Debug exceptions, which the kernel must intercept and yet deliver as if it did not.

use super::{Case, EXITS, Verdict, must_be};
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::exceptions::{self, ExceptionFrame, vector};
use exo_user::println;

pub const CASES: &[Case] = &[
    Case::new("single-step", EXITS, single_step, "single-steps 3000 instructions"),
    Case::new(
        "single-step-emulated",
        EXITS,
        single_step_emulated,
        "single-steps instructions that the kernel emulates",
    ),
    Case::new("data-breakpoint", EXITS, data_breakpoint, "hits a data breakpoint 1000 times"),
    Case::new("general-detect", EXITS, general_detect, "guards its debug registers and touches them 1000 times"),
    Case::new(
        "debug-in-shadow",
        EXITS,
        debug_in_shadow,
        "raises a debug exception in the shadow of MOV SS while single-stepping",
    ),
];

const SINGLE_STEP: u64 = 1 << 14;
const GENERAL_DETECT: u64 = 1 << 13;
const TRAP_FLAG: u64 = 1 << 8;

static COUNT: AtomicU64 = AtomicU64::new(0);
static STATUS: AtomicU64 = AtomicU64::new(0);

fn read_dr6() -> u64 {
    let value;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, dr6", out(reg) value, options(nomem, nostack)) };
    value
}

fn write_dr6(value: u64) {
    // SAFETY: the register only tells what happened.
    unsafe { asm!("mov dr6, {}", in(reg) value, options(nomem, nostack)) };
}

/// Counts, collects what DR6 says, and clears it.
fn on_debug(_frame: &mut ExceptionFrame) {
    COUNT.fetch_add(1, Ordering::Relaxed);
    STATUS.fetch_or(read_dr6() & 0xe00f, Ordering::Relaxed);
    write_dr6(0xffff_0ff0);
}

fn begin() {
    write_dr6(0xffff_0ff0);
    COUNT.store(0, Ordering::Relaxed);
    STATUS.store(0, Ordering::Relaxed);
    exceptions::set_handler(vector::DEBUG, on_debug);
}

fn end(what: &str, count: u64, status: u64) -> Verdict {
    let (seen, bits) = (COUNT.load(Ordering::Relaxed), STATUS.load(Ordering::Relaxed));
    println!("saw {seen} debug exceptions, DR6 said {bits:#x}");
    must_be(format_args!("{what}: debug exceptions"), seen, count)?;
    must_be(format_args!("{what}: DR6"), bits, status)
}

fn single_step(_boot: &'static BootPage) -> Verdict {
    begin();
    // POPF itself is not stepped; the loop is, and so is the POPF that ends it.
    // SAFETY: the flags end as they began.
    unsafe {
        asm!(
            "pushfq",
            "pushfq",
            "or qword ptr [rsp], {trap}",
            "popfq",
            "4: nop",
            "dec ecx",
            "jnz 4b",
            "popfq",
            trap = const TRAP_FLAG,
            inout("ecx") 1000 => _,
        );
    }
    end("single step", 3001, SINGLE_STEP)
}

fn single_step_emulated(_boot: &'static BootPage) -> Verdict {
    begin();
    // SAFETY: a null call, writing caches back, and flags that end as they began.
    unsafe {
        asm!(
            "pushfq",
            "pushfq",
            "or qword ptr [rsp], {trap}",
            "popfq",
            "vmcall",
            "wbinvd",
            "nop",
            "popfq",
            trap = const TRAP_FLAG,
            inout("rax") 0_u64 => _,
            out("rdx") _,
        );
    }
    end("single step", 4, SINGLE_STEP)
}

fn data_breakpoint(_boot: &'static BootPage) -> Verdict {
    const WRITES_OF_EIGHT_BYTES: u64 = 0b1001 << 16;
    const ENABLED: u64 = 1;
    begin();
    let mut watched = 0_u64;
    // SAFETY: the breakpoint's handler counts and returns; the breakpoint is removed again.
    unsafe {
        asm!(
            "mov dr0, {address}",
            "mov dr7, {on}",
            "4: inc qword ptr [{address}]",
            "dec ecx",
            "jnz 4b",
            "mov dr7, {off}",
            address = in(reg) &raw mut watched,
            on = in(reg) WRITES_OF_EIGHT_BYTES | ENABLED | 0x400,
            off = in(reg) 0x400_u64,
            inout("ecx") 1000 => _,
        );
    }
    must_be("watched word", watched, 1000)?;
    end("data breakpoint", 1000, 1)
}

fn skip_guarded_move(frame: &mut ExceptionFrame) {
    // The CPU has switched the guard off for this handler; the instruction is three bytes long.
    on_debug(frame);
    frame.rip += 3;
}

fn general_detect(_boot: &'static BootPage) -> Verdict {
    const GUARD: u64 = 1 << 13 | 0x400;
    begin();
    exceptions::set_handler(vector::DEBUG, skip_guarded_move);
    // SAFETY: the handler steps over the guarded instruction. The guard is gone after each exception.
    unsafe {
        asm!(
            "4: mov dr7, {guard}",
            "mov rax, dr0",
            "dec ecx",
            "jnz 4b",
            guard = in(reg) GUARD,
            inout("ecx") 1000 => _,
            out("rax") _,
        );
    }
    end("general detect", 1000, GENERAL_DETECT)
}

/// MOV SS holds debug traps back for one instruction; a debug exception in that gap has made hypervisors build
/// guest states that the CPU refuses.
fn debug_in_shadow(_boot: &'static BootPage) -> Verdict {
    begin();
    // SAFETY: SS gets its own value again; the flags end as they began.
    unsafe {
        asm!(
            "mov {ss:e}, ss",
            "pushfq",
            "pushfq",
            "or qword ptr [rsp], {trap}",
            "popfq",
            "mov ss, {ss:e}",
            ".byte 0xf1",
            "nop",
            "popfq",
            ss = out(reg) _,
            trap = const TRAP_FLAG,
        );
    }
    let seen = COUNT.load(Ordering::Relaxed);
    println!("saw {seen} debug exceptions");
    // Whether the trap that MOV SS held back comes on its own depends on the CPU; that it goes on is the point.
    if (2..=4).contains(&seen) { Ok(()) } else { Err(alloc::format!("{seen} debug exceptions")) }
}
