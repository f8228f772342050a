//! Environments that an environment makes, and several virtual CPUs.

use crate::hostile::Verdict;
use crate::kit::child::{self, Child};
use crate::kit::{OWN, ask, fails, must, same, thread, until, works};
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::error::Error;
use exo_user::abi::info::{environment_outcome, environment_state};
use exo_user::events::CHILD_EXIT;
use exo_user::{call, events, info, println};

const CHILD: u8 = 9;

static STEPS: AtomicU64 = AtomicU64::new(0);
static LEAVE: AtomicU64 = AtomicU64::new(0);

extern "C" fn step(_: u64, status: u64) -> ! {
    while LEAVE.load(Ordering::SeqCst) == 0 {
        STEPS.fetch_add(1, Ordering::SeqCst);
    }
    ask(Call::Exit, (0, 0), &[status]);
    unreachable!()
}

fn stands_still() -> bool {
    let before = STEPS.load(Ordering::SeqCst);
    (0..20).for_each(|_| call::yield_slice());
    STEPS.load(Ordering::SeqCst) == before
}

fn goes_on() -> Verdict {
    let before = STEPS.load(Ordering::SeqCst);
    until("the child goes on", || STEPS.load(Ordering::SeqCst) != before)
}

/// Made, run, stopped, run on, ended; another one ends by itself, and its parent is told.
pub fn child(boot: &'static BootPage) -> Verdict {
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    let name = [child.id.argument()];
    child.vcpu(thread::other_cpu(boot.cpu), step, 7)?;
    must("a new environment does not run", stands_still())?;
    child.start()?;
    goes_on()?;
    fails(Call::EnvironmentStart, (CHILD, 0), &name, Error::WrongState)?;
    for _ in 0..5 {
        works(Call::EnvironmentStop, (CHILD, 0), &name)?;
        let at = STEPS.load(Ordering::SeqCst);
        same("steps after the call that stops it", STEPS.load(Ordering::SeqCst), at)?;
        must("a stopped environment does not run", stands_still())?;
        child.start()?;
        goes_on()?;
    }
    fails(Call::EnvironmentForget, (CHILD, 0), &name, Error::WrongState)?;
    LEAVE.store(1, Ordering::SeqCst);
    until("the child has ended", || child.has_ended())?;
    let record = child.record().ok_or("no record")?;
    same("how it ended", (record.outcome, record.status), (environment_outcome::EXITED, 7))?;
    events::poll();
    same("the event", events::take_noted(CHILD_EXIT), CHILD_EXIT)?;
    works(Call::EnvironmentForget, (CHILD, 0), &name)?;
    let other = Child::new(boot, CHILD)?;
    must("the place is used again under a new name", other.id != child.id)?;
    works(Call::EnvironmentDestroy, (CHILD, 0), &[other.id.argument()])?;
    until("the other child has ended", || other.has_ended())?;
    events::poll();
    same("the event", events::take_noted(CHILD_EXIT), CHILD_EXIT)?;
    let record = other.record().ok_or("no record")?;
    same("how it ended", (record.state, record.outcome), (environment_state::ENDED, environment_outcome::DESTROYED))
}

/// Guarantees move to a child and back, and come back with its end.
pub fn guarantee(boot: &'static BootPage) -> Verdict {
    let mine = || info::environment(info::own_id()).map_or(0, |record| record.guarantee);
    let all = mine();
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    let name = child.id.argument();
    // It pays for the child's metadata, until the child is gone.
    let left = all - child::RESERVE;
    same("what is left", mine(), left)?;
    same("there", works(Call::GuaranteeMove, (CHILD, 0), &[name, 100, 0])?, 100)?;
    same("the rest", mine(), left - 100)?;
    same("half of it back", works(Call::GuaranteeMove, (CHILD, 0), &[name, 50, 1])?, 50)?;
    same("the rest", mine(), left - 50)?;
    works(Call::EnvironmentDestroy, (CHILD, 0), &[name])?;
    until("the child has ended", || child.has_ended())?;
    same("all of it", mine(), all)
}

static COUNTS: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];
static WOKEN: AtomicU64 = AtomicU64::new(0);

/// Counts, sleeps until it is called, and counts on.
extern "C" fn count(page: u64, number: u64) -> ! {
    let count = &COUNTS[usize::try_from(number).unwrap_or(0) % 5];
    for _ in 0..1000 {
        count.fetch_add(1, Ordering::SeqCst);
    }
    let events = exo_user::frames::window(page).cast::<AtomicU64>();
    // SAFETY: the first words of the page are pending events and the mask; both sides use atomics.
    let (pending, mask) = unsafe { (&*events, &*events.add(1)) };
    mask.store(!events::NOTIFICATION, Ordering::SeqCst);
    while pending.load(Ordering::SeqCst) & events::NOTIFICATION == 0 {
        ask(Call::Block, (0, 0), &[0]);
    }
    WOKEN.fetch_add(1, Ordering::SeqCst);
    thread::rest(page)
}

/// Four more virtual CPUs, spread over the CPUs, each called by its number.
pub fn virtual_cpus(boot: &'static BootPage) -> Verdict {
    let cpus = info::system().map_or(1, |system| system.cpus);
    let mut numbers = [0; 4];
    for (index, number) in (0..).zip(&mut numbers) {
        *number = thread::run((boot.cpu + index) % cpus, count, u64::from(index) + 1)?;
    }
    let counted = || COUNTS[1..].iter().all(|count| count.load(Ordering::SeqCst) == 1000);
    until("all have counted", counted)?;
    (0..20).for_each(|_| call::yield_slice());
    same("virtual CPUs that woke up by themselves", WOKEN.load(Ordering::SeqCst), 0)?;
    for (woken, &number) in (1..).zip(&numbers) {
        works(Call::Notify, (OWN, 0), &[0, number])?;
        until("the one that was called wakes up", || WOKEN.load(Ordering::SeqCst) == woken)?;
    }
    let record = info::environment(info::own_id()).ok_or("no record")?;
    same("virtual CPUs and slices", (record.vcpus, record.slices), (5, 5))?;
    fails(Call::Notify, (OWN, 0), &[0, 5], Error::NoSuchVcpu)?;
    println!("five virtual CPUs on {cpus} CPU(s)");
    Ok(())
}
