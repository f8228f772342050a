//! Waiting, predicates, another virtual CPU.

use crate::{Outcome, must, text};
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::capability::Capability;
use exo_user::events::{self, Upcall};
use exo_user::predicate::{Arithmetic, Expression, Predicate, clock, constant, word_of};
use exo_user::{cpu, info, slices, vcpu};

/// Until a time, and no longer.
pub fn waiting(boot: &'static BootPage) -> Outcome {
    let until = cpu::read_tsc() + 3 * boot.slice_ticks;
    must(!events::wait(until, || false), "nothing came true")?;
    must(cpu::read_tsc() >= until, "it woke before its time")?;
    must(events::wait(0, || true), "what holds is waited for")
}

static WORD: AtomicU64 = AtomicU64::new(0);

/// In tests every machine begins at the same moment of 2001.
pub fn of_day(_boot: &'static BootPage) -> Outcome {
    const BEGAN: u64 = 1_000_000_000;
    let began = info::system().ok_or("there is no system page")?.began;
    must(began.abs_diff(BEGAN) <= 2, "it is another time")
}

/// By the clock, by a word.
pub fn predicate(boot: &'static BootPage) -> Outcome {
    let until = cpu::read_tsc() + 3 * boot.slice_ticks;
    let word = word_of(&WORD).ok_or("the word is not mapped")?;
    let predicate = Predicate::new(word.not_equal(constant(0)).or(constant(until).less_or_equal(clock())));
    // Events may end the wait before.
    while cpu::read_tsc() < until {
        events::block_on(&predicate).map_err(text)?;
    }
    WORD.store(1, Ordering::Relaxed);
    let before = cpu::read_tsc();
    let held = Predicate::new(word.not_equal(constant(0)));
    events::block_on(&held).map_err(text)?;
    must(cpu::read_tsc() - before < boot.slice_ticks, "it slept although the word was set")
}

static STEPS: AtomicU64 = AtomicU64::new(0);
static NOTIFIED: AtomicU64 = AtomicU64::new(0);

fn on_notification(_upcall: &mut Upcall<'_>) {
    NOTIFIED.store(1 + vcpu::current() as u64, Ordering::SeqCst);
}

fn second(argument: u64) {
    events::set_vector(0x41);
    cpu::enable_interrupts();
    STEPS.store(argument + vcpu::current() as u64, Ordering::SeqCst);
    events::wait(0, || NOTIFIED.load(Ordering::SeqCst) != 0);
    // An exception on tables and stack of its own.
    cpu::breakpoint();
    STEPS.fetch_add(1, Ordering::SeqCst);
}

/// On the next CPU if there is one, else on this one.
pub fn second_vcpu(boot: &'static BootPage) -> Outcome {
    exo_user::exceptions::set_handler(exo_user::exceptions::vector::BREAKPOINT, |_| {});
    events::set_handler(events::NOTIFICATION, on_notification);
    let cpus = info::system().ok_or("no system page")?.cpus;
    let cpu = (boot.cpu + 1) % cpus;
    let number = vcpu::create(cpu, second, 1000).map_err(text)?;
    must(number == 1, "it is not number 1")?;
    let own = Capability::own();
    must(slices::allocate(cpu, 1, own, (info::own_id(), number)).map_err(text)? == 1, "no slice is free")?;
    let deadline = cpu::read_tsc() + 1000 * boot.slice_ticks;
    let reached = |steps| move || STEPS.load(Ordering::SeqCst) == steps;
    must(wait_looking(boot, deadline, reached(1001)), "it has not begun")?;
    vcpu::notify(number).map_err(text)?;
    must(wait_looking(boot, deadline, reached(1002)), "it has not gone on")?;
    must(NOTIFIED.load(Ordering::SeqCst) == 2, "somebody else was notified")?;
    must(vcpu::current() == 0, "this is not number 0")
}

/// Waits for what raises no event here.
pub fn wait_looking(boot: &'static BootPage, deadline: u64, mut condition: impl FnMut() -> bool) -> bool {
    while !condition() && cpu::read_tsc() < deadline {
        events::wait(cpu::read_tsc() + boot.slice_ticks, &mut condition);
    }
    condition()
}
