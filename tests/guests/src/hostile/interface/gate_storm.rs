//! Callers and callees that are stopped and ended at any moment.

use super::{Case, Outcome, Verdict};
use crate::kit::child::{self, Child};
use crate::kit::{ask, gate, thread, until, works};
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights;
use exo_user::{call, cpu};

pub const CASES: &[Case] = &[Case::new(
    "gate-storm",
    Outcome::Endless,
    storm,
    "has three children call each other on two CPUs, and stops and ends them meanwhile",
)];

/// This environment's slot over the first child; the others follow.
const CHILD: u8 = 9;
/// A child's slot over the one that it calls.
const CALLEE: u8 = 2;

/// The children by the order in which they call each other.
static NAMES: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

/// How a child behaves, as one word.
struct Habits(u64);

impl Habits {
    fn place(&self) -> usize {
        usize::try_from(self.0 & 3).unwrap_or(0)
    }

    fn turn_interrupts_on(&self) {
        if self.0 & 4 != 0 {
            // SAFETY: no vector is chosen, so no upcall comes.
            unsafe { asm!("sti", options(nomem, nostack)) };
        }
    }

    fn limit(&self) -> u64 {
        (self.0 >> 3 & 3) * 50_000
    }

    fn work(&self) {
        for _ in 0..(self.0 >> 5 & 3) * 500 {
            core::hint::spin_loop();
        }
    }

    /// Calls the next child, if it has a gate by now.
    fn call_on(&self) {
        let next = NAMES[(self.place() + 1) % 3].load(Ordering::SeqCst);
        if gate::call(0, &mut [self.0; 14]) == exo_user::abi::error::Error::NoSuchGate.number() {
            ask(Call::GateBind, (CALLEE, 0), &[next, 0, 0]);
        }
    }
}

/// Calls for ever.
extern "C" fn first(page: u64, argument: u64) -> ! {
    let habits = Habits(argument);
    thread::mask_all(page);
    habits.turn_interrupts_on();
    ask(Call::SetCallLimit, (0, 0), &[habits.limit()]);
    loop {
        habits.call_on();
        habits.work();
        if argument & 1 << 7 != 0 {
            ask(Call::Yield, (0, 0), &[]);
        }
    }
}

/// Opens a gate and answers by calling on.
extern "C" fn further(page: u64, argument: u64) -> ! {
    let habits = Habits(argument);
    thread::mask_all(page);
    habits.turn_interrupts_on();
    ask(Call::GateOpen, (0, 0), &[0]);
    ask(Call::SetCallLimit, (0, 0), &[habits.limit()]);
    let mut registers = [0; 14];
    loop {
        gate::reply(&mut registers);
        habits.work();
        if habits.place() == 1 {
            habits.call_on();
        }
    }
}

/// A number that differs from the last one (Marsaglia, 2003).
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn storm(boot: &'static BootPage) -> Verdict {
    let other = thread::other_cpu(boot.cpu);
    let mut random = cpu::read_tsc() | 1;
    let stacks = [thread::stack(first, 0)?, thread::stack(further, 0)?, thread::stack(further, 0)?];
    for number in 0..3 {
        child::derive(CHILD + number, number + 1)?;
    }
    loop {
        let mut children = alloc::vec::Vec::new();
        for number in 0..3 {
            let child = Child::new(boot, CHILD + number)?;
            NAMES[usize::from(number)].store(child.id.argument(), Ordering::SeqCst);
            children.push(child);
        }
        // Mostly all on one CPU, as calls want it.
        let there = if next(&mut random).is_multiple_of(2) { boot.cpu } else { other };
        for (number, child) in (0_u64..).zip(&children) {
            let stack = stacks[usize::try_from(number).unwrap_or(0)];
            thread::prepare(stack, if number == 0 { first } else { further }, next(&mut random) & !3 | number);
            let elsewhere = next(&mut random).is_multiple_of(8);
            child.vcpu_on(if elsewhere { boot.cpu } else { there }, stack)?;
        }
        for (from, to) in [(0, 1), (1, 2)] {
            let (from, to) = (&children[from], &children[to]);
            let arguments = [from.id.argument(), CALLEE.into(), rights::CALL | rights::GRANT];
            works(Call::CapabilityGrant, (to.authority, from.authority), &arguments)?;
        }
        children.iter().try_for_each(Child::start)?;
        for _ in 0..next(&mut random) % 12 {
            call::yield_slice();
        }
        let mut left = children.clone();
        while !left.is_empty() {
            let chosen = usize::try_from(next(&mut random)).unwrap_or(0) % left.len();
            let child = left.swap_remove(chosen);
            let name = [child.id.argument()];
            if next(&mut random).is_multiple_of(3) {
                works(Call::EnvironmentStop, (child.authority, 0), &name)?;
                call::yield_slice();
                works(Call::EnvironmentStart, (child.authority, 0), &name)?;
            }
            works(Call::EnvironmentDestroy, (child.authority, 0), &name)?;
            for _ in 0..next(&mut random) % 3 {
                call::yield_slice();
            }
        }
        for child in &children {
            until("a child has ended", || child.has_ended())?;
            works(Call::EnvironmentForget, (child.authority, 0), &[child.id.argument()])?;
        }
    }
}
