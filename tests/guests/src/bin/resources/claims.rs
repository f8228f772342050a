//! Claims on what a child has taken: answered, answered in the upcall, and not answered.

use crate::children::EXITED;
use crate::time::wait_looking;
use crate::{Outcome, must, text};
use alloc::format;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::environment_page::phase;
use exo_user::abi::info::{SliceRecord, slice_state};
use exo_user::call::{Kernel, Machine};
use exo_user::capability::Capability;
use exo_user::environment::{Child, Plan};
use exo_user::frames::{self, Frame, Wanted};
use exo_user::revocation::{self, Asked, Repossession, Victims};
use exo_user::{cpu, events, info, slices};
use spin::Mutex;

const GROWN: u64 = 200;
const CLAIMED: u64 = 150;

/// Keeps frames and lets go of them when asked.
struct Hoard {
    frames: alloc::vec::Vec<Frame>,
    asked: u64,
    lost: u64,
}

impl Victims for Hoard {
    fn release(&mut self, asked: Asked) {
        if let Asked::Frames { count } = asked {
            self.asked += count;
            let mut left = count;
            self.frames.retain(|frame| {
                let goes = left != 0 && frames::is_own(frame.physical() / 4096);
                left -= u64::from(goes);
                !goes
            });
        }
    }

    fn lost(&mut self, lost: &Repossession) {
        self.lost += lost.count;
        self.frames.retain(|frame| !(lost.first..lost.first + lost.count).contains(&(frame.physical() / 4096)));
    }
}

/// A child that has taken frames of its own, and all of its pool with them.
fn hoard() -> Option<Hoard> {
    revocation::install();
    events::set_vector(0x40);
    cpu::enable_interrupts();
    // The heap is in memory of the parent's, which nobody takes.
    let mut kept = alloc::vec::Vec::with_capacity(2000);
    frames::grow(Wanted::any(GROWN)).ok()?;
    // A few stay for the library.
    while frames::available() > 8 {
        kept.push(frames::allocate()?);
    }
    Some(Hoard { frames: kept, asked: 0, lost: 0 })
}

fn generous(_boot: &'static BootPage) -> u32 {
    let Some(mut hoard) = hoard() else { return 1 };
    events::wait(0, revocation::pending);
    let answered = revocation::poll(&mut hoard);
    if answered.given == CLAIMED && !answered.unanswered && hoard.asked > 0 && hoard.lost == 0 { 0 } else { 2 }
}

/// What a child gives in its upcall.
static HOARD: Mutex<Hoard> = Mutex::new(Hoard { frames: alloc::vec::Vec::new(), asked: 0, lost: 0 });

/// It does nothing but run; the upcall answers.
fn interrupted(_boot: &'static BootPage) -> u32 {
    let Some(hoard) = hoard() else { return 1 };
    *HOARD.lock() = hoard;
    revocation::install_direct(&HOARD);
    while info::request().is_none_or(|request| request.phase < phase::ANSWERED) {
        SPINS.fetch_add(1, Ordering::Relaxed);
    }
    let answered = info::request().is_some_and(|request| request.phase == phase::ANSWERED);
    u32::from(!answered || HOARD.lock().asked == 0)
}

fn gives_a_slice(_boot: &'static BootPage) -> u32 {
    revocation::install();
    events::set_vector(0x40);
    cpu::enable_interrupts();
    events::wait(0, revocation::pending);
    let answered = revocation::poll(&mut ());
    u32::from(answered.given != 1 || answered.unanswered)
}

static SPINS: AtomicU64 = AtomicU64::new(0);

fn stubborn(_boot: &'static BootPage) -> u32 {
    let Some(mut hoard) = hoard() else { return 1 };
    // It runs, and does nothing about it, until something is gone.
    while info::repossessed() == 0 {
        SPINS.fetch_add(1, Ordering::Relaxed);
    }
    let answered = revocation::poll(&mut hoard);
    if answered.lost > 0 && answered.given == 0 && hoard.lost == CLAIMED { 0 } else { 2 }
}

fn claim_from(boot: &'static BootPage, main: fn(&'static BootPage) -> u32, expected: u32) -> Outcome {
    let own = Capability::own();
    let child = Child::new(&Plan { slices: 2, ..Plan::new("victim", boot.cpu, main) }).map_err(text)?;
    child.start().map_err(text)?;
    let deadline = cpu::read_tsc() + 20_000 * boot.slice_ticks;
    let owns = || child.record().map_or(0, |record| record.frames);
    must(wait_looking(boot, deadline, || owns() >= GROWN), "the child does not grow")?;
    let serial = Machine.claim_count(own.slot(), child.id().argument(), CLAIMED).map_err(text)?;
    let phase_now = || info::claim().filter(|claim| claim.serial == serial).map_or(0, |claim| claim.phase);
    must(events::wait(deadline, || phase_now() > phase::REQUESTED), "the claim does not end")?;
    must(phase_now() == expected, &format!("the claim ended in phase {}", phase_now()))?;
    let promised = info::environment(info::own_id()).map_or(0, |record| record.promised);
    must(promised == CLAIMED, &format!("{promised} frames are promised"))?;
    let ended = child.wait(deadline);
    must(ended == Some(EXITED(0)), &format!("the child ended as {ended:?}"))
}

pub fn in_the_upcall(boot: &'static BootPage) -> Outcome {
    claim_from(boot, interrupted, phase::ANSWERED)?;
    let had = frames::take_promised().map_err(|(_, error)| text(error))?;
    must(had == CLAIMED, &format!("{had} promised frames were had"))
}

/// A slice of a child's, until it is this environment's.
pub fn slice(boot: &'static BootPage) -> Outcome {
    let own = Capability::own();
    let plan = Plan { slices: 2, ..Plan::new("timely", boot.cpu, gives_a_slice) };
    let child = Child::new(&plan).map_err(text)?;
    child.start().map_err(text)?;
    let is_childs = |record: &SliceRecord| {
        record.owner_index == child.id().index && record.owner_generation == child.id().generation
    };
    let (position, _) = info::slices(boot.cpu).find(|(_, record)| is_childs(record)).ok_or("it has no slice")?;
    let (cpu, place) = (boot.cpu.into(), position as u64);
    let serial = Machine.claim_slice(own.slot(), child.id().argument(), cpu, place).map_err(text)?;
    let phase_now = || info::claim().filter(|claim| claim.serial == serial).map_or(0, |claim| claim.phase);
    let deadline = cpu::read_tsc() + 20_000 * boot.slice_ticks;
    must(events::wait(deadline, || phase_now() > phase::REQUESTED), "the claim does not end")?;
    must(phase_now() == phase::ANSWERED, &format!("the claim ended in phase {}", phase_now()))?;
    let record = info::slice(boot.cpu, position).ok_or("no record")?;
    let promised = record.state == slice_state::PROMISED && record.owner_index == info::own_id().index;
    must(promised, &format!("the slice is {record:?}"))?;
    Machine.slice_allocate(own.slot(), 0, cpu, place, 0, 0).map_err(text)?;
    slices::free(boot.cpu, position, own).map_err(text)?;
    let ended = child.wait(deadline);
    must(ended == Some(EXITED(0)), &format!("the child ended as {ended:?}"))
}

pub fn answered(boot: &'static BootPage) -> Outcome {
    claim_from(boot, generous, phase::ANSWERED)?;
    let had = frames::take_promised().map_err(|(_, error)| text(error))?;
    must(had == CLAIMED, &format!("{had} promised frames were had"))
}

pub fn forced(boot: &'static BootPage) -> Outcome {
    claim_from(boot, stubborn, phase::FORCED)?;
    let had = frames::take_promised().map_err(|(_, error)| text(error))?;
    must(had == CLAIMED, &format!("{had} promised frames were had"))
}
