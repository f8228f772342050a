//! What is seldom needed: several virtual CPUs in a child, a repossession vector that runs over, grace, a last resort that is taken back.

use crate::children::EXITED;
use crate::time::wait_looking;
use crate::{Outcome, must, rescue, text};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use exo_user::abi::boot_page::{BootPage, FrameRun};
use exo_user::abi::environment_page::REPOSSESSIONS;
use exo_user::abi::info::{MAX_VCPUS, environment_outcome};
use exo_user::capability::{Capability, rights};
use exo_user::environment::{Child, Grant, Plan};
use exo_user::events::{self, Upcall};
use exo_user::frames::{self, OwnedFrames, Wanted};
use exo_user::revocation::{self, Repossession, Victims};
use exo_user::{call, cpu, info, slices, vcpu};

static REPORTED: AtomicU64 = AtomicU64::new(0);
static HEARD: AtomicU64 = AtomicU64::new(0);

fn bit() -> u64 {
    1 << vcpu::current()
}

fn on_notification(_upcall: &mut Upcall<'_>) {
    HEARD.fetch_or(bit(), Ordering::SeqCst);
}

/// One of the crew: says that it is there, then that it has heard.
fn member(number: u64) {
    events::set_vector(0x41);
    cpu::enable_interrupts();
    if vcpu::current() as u64 == number {
        REPORTED.fetch_or(bit(), Ordering::SeqCst);
    }
    events::wait(0, || HEARD.load(Ordering::SeqCst) & bit() != 0);
    REPORTED.fetch_and(!bit(), Ordering::SeqCst);
}

/// A child with as many virtual CPUs as there can be, on all CPUs.
fn crew(boot: &'static BootPage) -> u32 {
    events::set_handler(events::NOTIFICATION, on_notification);
    let Some(cpus) = info::system().map(|system| system.cpus) else { return 1 };
    let others = 1..MAX_VCPUS;
    for (number, cpu) in others.clone().zip((0..cpus).cycle()) {
        let begun = vcpu::create(cpu, member, number as u64);
        if begun != Ok(number) || slices::allocate(cpu, 1, Capability::own(), (info::own_id(), number)) != Ok(1) {
            return 2;
        }
    }
    let deadline = cpu::read_tsc() + 4000 * boot.slice_ticks;
    if !wait_looking(boot, deadline, || REPORTED.load(Ordering::SeqCst) == 0xfe) {
        return 3;
    }
    if others.clone().any(|number| vcpu::notify(number).is_err()) {
        return 4;
    }
    if wait_looking(boot, deadline, || REPORTED.load(Ordering::SeqCst) == 0) { 0 } else { 5 }
}

pub fn several_vcpus(boot: &'static BootPage) -> Outcome {
    let child = Child::new(&Plan { frames: 1024, reserve: 160, ..Plan::new("crew", boot.cpu, crew) }).map_err(text)?;
    child.start().map_err(text)?;
    let ended = child.wait(0);
    must(ended == Some(EXITED(0)), &format!("it ended as {ended:?}"))
}

/// Counts.
#[derive(Default)]
struct Losses {
    lost: u64,
    behind: u64,
}

impl Victims for Losses {
    fn lost(&mut self, lost: &Repossession) {
        self.lost += lost.count;
    }

    fn fell_behind(&mut self) {
        self.behind += 1;
    }
}

/// Entries that one vector does not keep.
const MANY: usize = REPOSSESSIONS + 12;
const FEW: usize = 5;

/// Looks away until more was lost than the vector keeps, and then no longer.
fn forgetful(boot: &'static BootPage) -> u32 {
    let Some(frame) = boot.arguments().parse::<u64>().ok() else { return 1 };
    if frames::extend_window(FrameRun { first: frame, count: 1 }).is_err() {
        return 2;
    }
    // SAFETY: the parent has bound this frame here for as long as this runs, and both sides use it as an atomic word.
    let looked = unsafe { &*frames::window(frame * 4096).cast::<AtomicU64>() };
    let (mut first, mut later) = (Losses::default(), Losses::default());
    while info::repossessed() < MANY as u64 {
        call::yield_slice();
    }
    revocation::poll(&mut first);
    looked.store(1, Ordering::SeqCst);
    while info::repossessed() < (MANY + FEW) as u64 {
        call::yield_slice();
    }
    revocation::poll(&mut later);
    let sound = first.behind == 1 && first.lost == 0 && later.behind == 0 && later.lost == FEW as u64;
    if sound { 0 } else { 3 }
}

pub fn overflow(boot: &'static BootPage) -> Outcome {
    let guard = Arc::new(Capability::own().derive(b"o", rights::ALL).map_err(text)?);
    let take = || OwnedFrames::take(Arc::clone(&guard), Wanted::any(1)).map_err(text);
    let mut word = take()?;
    let mut lent = (0..MANY + FEW).map(|_| take()).collect::<Result<Vec<_>, _>>()?;
    let arguments = format!("{}", word.runs()[0].first);
    // SAFETY: what is below this name is used as atomic words only, or not at all.
    let grants = [unsafe { Grant::new(&guard, rights::READ | rights::WRITE) }];
    let plan = Plan { arguments: &arguments, grants: &grants, ..Plan::new("forgetful", boot.cpu, forgetful) };
    let child = Child::new(&plan).map_err(text)?;
    for frames in lent.iter_mut().chain([&mut word]) {
        frames.share(child.id(), 1, rights::READ | rights::WRITE, Capability::own()).map_err(text)?;
    }
    child.start().map_err(text)?;
    let (many, few) = lent.split_at_mut(MANY);
    many.iter_mut().try_for_each(|frames| frames.unshare(child.id())).map_err(text)?;
    // SAFETY: both sides use the frame as an atomic word.
    let looked = unsafe { &*word.pointer(0).ok_or("no pointer")?.cast::<AtomicU64>() };
    let deadline = cpu::read_tsc() + 4000 * boot.slice_ticks;
    must(wait_looking(boot, deadline, || looked.load(Ordering::SeqCst) != 0), "the child does not look")?;
    few.iter_mut().try_for_each(|frames| frames.unshare(child.id())).map_err(text)?;
    let ended = child.wait(0);
    must(ended == Some(EXITED(0)), &format!("it ended as {ended:?}"))
}

static ENDS: AtomicU64 = AtomicU64::new(0);
static OBEDIENT: AtomicBool = AtomicBool::new(false);

/// Gives up the CPU in its grace, or does not.
fn on_slice_end(_upcall: &mut Upcall<'_>) {
    ENDS.fetch_add(1, Ordering::SeqCst);
    if OBEDIENT.load(Ordering::SeqCst) {
        call::yield_slice();
    }
}

/// How many slices ended with an upcall, and how many were lost for overrunning, in five of this virtual CPU's slices.
fn five_slices(obedient: bool) -> Option<(u64, u64)> {
    OBEDIENT.store(obedient, Ordering::SeqCst);
    let seen = || events::page().map(|page| (page.slices, page.penalties, ENDS.load(Ordering::SeqCst)));
    let begin = seen()?;
    loop {
        core::hint::spin_loop();
        let (slices, penalties, ends) = seen()?;
        if slices >= begin.0 + 5 {
            return Some((ends - begin.2, penalties - begin.1));
        }
    }
}

pub fn grace(_boot: &'static BootPage) -> Outcome {
    events::set_handler(events::SLICE_END, on_slice_end);
    events::want_slice_end(true);
    let (obedient, stubborn) = (five_slices(true), five_slices(false));
    events::want_slice_end(false);
    events::clear_handler(events::SLICE_END);
    let (ends, lost) = obedient.ok_or("no event page")?;
    must(ends >= 4 && lost == 0, &format!("{ends} ends of slices, {lost} slices lost although it yields"))?;
    let (ends, lost) = stubborn.ok_or("no event page")?;
    must(ends >= 4 && lost >= 4, &format!("{ends} ends of slices, {lost} slices lost although it overruns"))
}

/// With its last resort taken back, a fault that cannot be delivered is the end.
pub fn cancelled(boot: &'static BootPage) -> Outcome {
    let child = Child::new(&Plan::new("cancelled", boot.cpu, rescue::without)).map_err(text)?;
    child.start().map_err(text)?;
    let ended = child.wait(0).map(|ended| ended.outcome);
    must(ended == Some(environment_outcome::KILLED), &format!("it ended as {ended:?}"))
}
