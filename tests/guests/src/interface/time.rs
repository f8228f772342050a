//! Time: sleeping, waking, giving it on, and events that are masked.

use crate::hostile::Verdict;
use crate::kit::child::{self, Child};
use crate::kit::neighbour::slice_of;
use crate::kit::{OWN, ask, fails, must, same, thread, until, works};
use alloc::format;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights;
use exo_user::abi::error::Error;
use exo_user::events::{NOTIFICATION, TIMER, Upcall};
use exo_user::predicate::{Arithmetic, Expression, Predicate, clock, constant, word};
use exo_user::{cpu, events, info, page_table, println};

const CHILD: u8 = 9;
const VECTOR: u8 = 0x50;

fn physical(word: &AtomicU64) -> u64 {
    page_table::translate(core::ptr::from_ref(word) as u64).unwrap_or(0)
}

/// Sleeps until a time, and not much longer.
pub fn timer(boot: &'static BootPage) -> Verdict {
    for slices in [1, 5, 20] {
        let until = cpu::read_tsc() + boot.slice_ticks * slices;
        events::wait(until, || false);
        let now = cpu::read_tsc();
        must("it slept until then", now >= until)?;
        must("not a whole round longer", now - until < boot.slice_ticks * 64 * 4)?;
    }
    events::poll();
    same("the event", events::take_noted(TIMER), TIMER)
}

static FLAG: AtomicU64 = AtomicU64::new(0);

extern "C" fn raise(page: u64, rounds: u64) -> ! {
    for round in 1..=rounds {
        while FLAG.load(Ordering::SeqCst) != round * 2 - 1 {
            ask(Call::Yield, (0, 0), &[]);
        }
        FLAG.store(round * 2, Ordering::SeqCst);
    }
    thread::rest(page)
}

/// Sleeps until a word has a value that another virtual CPU writes without a call, or until a time.
pub fn predicate(boot: &'static BootPage) -> Verdict {
    const ROUNDS: u64 = 20;
    thread::run(thread::other_cpu(boot.cpu), raise, ROUNDS)?;
    let at = physical(&FLAG);
    events::set_mask(u64::MAX);
    for round in 1..=ROUNDS {
        FLAG.store(round * 2 - 1, Ordering::SeqCst);
        let even = Predicate::new(word(at).equal(constant(round * 2)));
        while FLAG.load(Ordering::SeqCst) != round * 2 {
            events::block_on(&even).map_err(|error| format!("{error}"))?;
        }
    }
    let until = cpu::read_tsc() + boot.slice_ticks * 3;
    let late = Predicate::new(word(at).equal(constant(0)).or(constant(until).less_or_equal(clock())));
    while cpu::read_tsc() < until {
        events::block_on(&late).map_err(|error| format!("{error}"))?;
    }
    same("words that were seen", FLAG.load(Ordering::SeqCst), ROUNDS * 2)
}

static TURNS: AtomicU64 = AtomicU64::new(0);

/// Has no slice of its own: every turn is a gift.
extern "C" fn turn(_: u64, back_to: u64) -> ! {
    loop {
        TURNS.fetch_add(1, Ordering::SeqCst);
        ask(Call::YieldTo, (0, 0), &[0, back_to]);
    }
}

/// A virtual CPU without a slice runs on what it is given, and gives it back; the time is the payer's.
pub fn directed_yield(boot: &'static BootPage) -> Verdict {
    let number = thread::make(boot.cpu, turn, 0)?;
    exo_user::call::yield_slice();
    same("turns without a gift", TURNS.load(Ordering::SeqCst), 0)?;
    for _ in 0..100 {
        let before = TURNS.load(Ordering::SeqCst);
        until("it takes its turn", || {
            ask(Call::YieldTo, (0, 0), &[0, number]);
            TURNS.load(Ordering::SeqCst) > before
        })?;
    }
    println!("{} turns", TURNS.load(Ordering::SeqCst));
    Ok(())
}

extern "C" fn spin(_: u64, _: u64) -> ! {
    loop {
        TURNS.fetch_add(1, Ordering::SeqCst);
    }
}

/// Slices are taken by position, given to a child, and given back.
pub fn slices(boot: &'static BootPage) -> Verdict {
    let record = || info::environment(info::own_id()).map_or(0, |record| record.slices);
    let first = slice_of(info::own_id()).ok_or("no slice")?;
    let second = thread::give_time(boot.cpu, 0)?;
    same("slices", record(), 2)?;
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    let here = u64::from(boot.cpu);
    let theirs = child.vcpu(boot.cpu, spin, 0)?;
    works(Call::CapabilityGrant, (OWN, CHILD), &[child.id.argument(), 2, rights::MODIFY])?;
    fails(Call::SliceFree, (OWN, 0), &[here, theirs], Error::SliceForeign)?;
    child.start()?;
    until("the child runs", || TURNS.load(Ordering::SeqCst) != 0)?;
    works(Call::SliceGive, (OWN, 0), &[here, second, child.id.argument(), 0])?;
    same("slices", (record(), child.record().map(|it| it.slices)), (1, Some(2)))?;
    works(Call::EnvironmentDestroy, (CHILD, 0), &[child.id.argument()])?;
    until("the child has ended", || child.has_ended())?;
    same("the slice that is left", slice_of(info::own_id()), Some(first))
}

static SENT: AtomicU64 = AtomicU64::new(0);
static HEARD: AtomicU64 = AtomicU64::new(0);

extern "C" fn call_often(page: u64, rounds: u64) -> ! {
    for _ in 0..rounds {
        SENT.fetch_add(1, Ordering::SeqCst);
        ask(Call::Notify, (OWN, 0), &[0, 0]);
    }
    thread::rest(page)
}

/// What was sent before the handler runs, it sees.
fn hear(_upcall: &mut Upcall<'_>) {
    HEARD.store(SENT.load(Ordering::SeqCst), Ordering::SeqCst);
}

/// Events come while they are masked and while they are not; whatever was sent last is heard in the end.
pub fn masking(boot: &'static BootPage) -> Verdict {
    const ROUNDS: u64 = 500;
    events::set_handler(NOTIFICATION, hear);
    events::set_vector(VECTOR);
    cpu::enable_interrupts();
    thread::run(thread::other_cpu(boot.cpu), call_often, ROUNDS)?;
    let mut sections = 0_u64;
    while SENT.load(Ordering::SeqCst) < ROUNDS {
        events::critical(|| {
            let before = HEARD.load(Ordering::SeqCst);
            (0..100).for_each(|_| core::hint::spin_loop());
            same("heard while all is masked", HEARD.load(Ordering::SeqCst), before)
        })?;
        sections += 1;
    }
    until("the last call is heard", || HEARD.load(Ordering::SeqCst) == ROUNDS)?;
    println!("{ROUNDS} calls, {sections} sections");
    Ok(())
}

fn note_call(_upcall: &mut Upcall<'_>) {
    HEARD.fetch_add(1, Ordering::SeqCst);
}

/// An event that came while interrupts were off ends the halt that follows at once, not with the slice.
pub fn halting(_boot: &'static BootPage) -> Verdict {
    const ROUNDS: u64 = 20;
    let slices = || events::page().map_or(0, |page| page.slices);
    events::set_handler(NOTIFICATION, note_call);
    events::set_vector(VECTOR);
    let mut slept = 0;
    for round in 1..=ROUNDS {
        cpu::disable_interrupts();
        works(Call::Notify, (OWN, 0), &[0, 0])?;
        let before = slices();
        // SAFETY: the handler only counts.
        unsafe { asm!("sti", "hlt", "cli") };
        same("calls heard", HEARD.load(Ordering::SeqCst), round)?;
        slept += u64::from(slices() != before);
    }
    println!("{slept} of {ROUNDS} halts lasted into another slice");
    must("most halts end in the slice in which they begin", slept <= ROUNDS / 4)
}

/// Whoever computes is interrupted by the end of its slices, and not by what others do to theirs.
pub fn undisturbed(_boot: &'static BootPage) -> Verdict {
    const EXTERNAL_INTERRUPT: usize = 1;
    const SLICES: u64 = 30;
    let seen = || {
        let counters = exo_user::counters();
        (counters.slices, counters.exits[EXTERNAL_INTERRUPT])
    };
    // With interrupts off Bochs lets no kick through.
    cpu::enable_interrupts();
    let begin = seen();
    let mut now = begin;
    while now.0 < begin.0 + SLICES {
        (0..1000).for_each(|_| core::hint::spin_loop());
        now = seen();
    }
    println!("{} interrupts in {SLICES} slices", now.1 - begin.1);
    must("few interrupts come", now.1 - begin.1 <= SLICES * 4)
}
