//! Two virtual CPUs that take exceptions at the same time, each on stacks of its own, with upcalls coming between.

use crate::registers::raise;
use crate::{COUNT, same};
use alloc::format;
use alloc::string::String;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::capability::Capability;
use exo_user::events::{self, Upcall};
use exo_user::exceptions::{self, Breakpoint, Interrupted, InvalidOpcode, LEVELS};
use exo_user::{cpu, eprintln, info, println, slices, vcpu};

/// Nested handlers, upcalls, and finished rounds of each virtual CPU.
static DEPTH: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
static UPCALLS: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
static DONE: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

fn own(words: &[AtomicU64; 2]) -> &AtomicU64 {
    &words[vcpu::current() % 2]
}

/// Nests to the end, and lets upcalls through in between; they need a stack, too, but for the last.
fn deeper(_: Breakpoint, _: &mut Interrupted) {
    let depth = own(&DEPTH).fetch_add(1, Ordering::Relaxed) + 1;
    let local = core::hint::black_box([depth << 8 | vcpu::current() as u64; 64]);
    if depth < LEVELS - 1 {
        cpu::enable_interrupts();
        cpu::breakpoint();
        cpu::disable_interrupts();
    }
    let depth = own(&DEPTH).fetch_sub(1, Ordering::Relaxed);
    let expected = depth << 8 | vcpu::current() as u64;
    if core::hint::black_box(&local).iter().any(|&word| word != expected) {
        panic!("a handler's stack was changed at depth {depth}");
    }
}

fn step_over(_: InvalidOpcode, interrupted: &mut Interrupted) {
    interrupted.rip += 2;
}

fn on_slice(_: &mut Upcall<'_>) {
    own(&UPCALLS).fetch_add(1, Ordering::Relaxed);
    // An upcall may fault, too.
    // SAFETY: the handler steps over it.
    unsafe { asm!("ud2") };
}

/// Takes exceptions, with upcalls from slice to slice, until there have been enough of both.
fn take(_: u64) {
    cpu::enable_interrupts();
    let mut random = crate::Random(0x5555_1234_9876_0001 + vcpu::current() as u64);
    let mut rounds = 0;
    while rounds < 20 * COUNT || own(&UPCALLS).load(Ordering::Relaxed) < 20 {
        cpu::breakpoint();
        if raise(random.next()) != 0 {
            panic!("registers or red zone were changed");
        }
        rounds += 1;
    }
    own(&DONE).store(rounds, Ordering::Release);
}

fn try_it(boot: &'static BootPage) -> Result<(), String> {
    exceptions::handle(deeper);
    exceptions::handle(step_over);
    events::set_handler(events::SLICE_BEGIN, on_slice);
    let text = |error: &dyn core::fmt::Display| format!("{error}");
    let cpus = info::system().ok_or("no system page")?.cpus;
    let second = (boot.cpu + 1) % cpus;
    let number = vcpu::create(second, begin, 0).map_err(|error| text(&error))?;
    let given = slices::allocate(second, 1, Capability::own(), (info::own_id(), number));
    same("slices", given.map_err(|error| text(&error))?, 1)?;
    begin(0);
    while DONE[1].load(Ordering::Acquire) == 0 {
        exo_user::call::yield_slice();
    }
    same("a depth", DEPTH.each_ref().map(|depth| depth.load(Ordering::Relaxed)), [0, 0])
}

fn begin(argument: u64) {
    events::set_vector(0x40);
    take(argument);
}

/// The exit status.
pub fn run(boot: &'static BootPage) -> u32 {
    match try_it(boot) {
        Ok(()) => {
            println!("two virtual CPUs took exceptions on stacks of their own");
            0
        }
        Err(reason) => {
            eprintln!("{reason}");
            1
        }
    }
}
