//! Claims that are none of its business, and requests that it does not answer. Who is asked here is a child, which its parent
//! dominates; the boot tests of revocation have environments that do not know each other.

use super::{Case, EXITS, Verdict};
use crate::kit::child::{self, Child};
use crate::kit::neighbour::witness;
use crate::kit::{OWN, ask, fails, fails_at, must, same, take_run, thread, until, works};
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights::READ;
use exo_user::abi::environment_page::phase;
use exo_user::abi::error::Error;
use exo_user::abi::info::{frame_state, slice_state};
use exo_user::info;

pub const CASES: &[Case] = &[
    Case::new("claim-unentitled", EXITS, unentitled, "claims while it has all that it is guaranteed"),
    Case::new("claim-guaranteed", EXITS, guaranteed, "claims what is guaranteed to its neighbour"),
    Case::new("claim-nonsense", EXITS, nonsense, "claims nothing, from itself, and too much"),
    Case::new("ignored-request", EXITS, ignored, "has a child that does not answer what is asked of it"),
    Case::new("false-answer", EXITS, false_answer, "has a child that answers with frames of others, and hides its own"),
    Case::new(
        "ignored-slice-request",
        EXITS,
        ignored_slice,
        "has a child that does not give the slice that is asked of it",
    ),
];

const CHILD: u8 = 9;
/// Frames that a child takes.
const FRAMES: u64 = 16;

fn unentitled(_boot: &'static BootPage) -> Verdict {
    let other = witness()?;
    fails(Call::ClaimRun, (OWN, 0), &[other.argument(), other.frame, 1], Error::NotEntitled)?;
    fails(Call::ClaimRun, (40, 0), &[other.argument(), other.frame, 1], Error::NotEntitled)?;
    fails(Call::ClaimCount, (OWN, 0), &[other.argument(), 1], Error::NotEntitled)?;
    let (cpu, position) = other.slice;
    fails(Call::ClaimSlice, (OWN, 0), &[other.argument(), cpu.into(), position], Error::Underprivileged).map(drop)
}

/// Gives frames of its own back, so that it is below what is guaranteed to it.
fn give_up(count: u64) -> Verdict {
    let given = exo_user::frames::shrink(0..u64::MAX, count);
    same("frames given up", given, count)
}

fn guaranteed(_boot: &'static BootPage) -> Verdict {
    give_up(8)?;
    let other = witness()?;
    fails(Call::ClaimRun, (OWN, 0), &[other.argument(), other.frame, 1], Error::VictimGuaranteed)?;
    fails(Call::ClaimCount, (OWN, 0), &[other.argument(), 8], Error::VictimGuaranteed)?;
    fails(Call::ClaimCount, (OWN, 0), &[other.argument(), 9], Error::NotEntitled).map(drop)
}

fn nonsense(boot: &'static BootPage) -> Verdict {
    give_up(8)?;
    let (other, mine) = (witness()?, boot.runs().first().ok_or("no run")?.first);
    fails(Call::ClaimCount, (OWN, 0), &[other.argument(), 0], Error::BadArgument)?;
    fails(Call::ClaimCount, (OWN, 0), &[0, 1], Error::BadArgument)?;
    fails(Call::ClaimRun, (OWN, 0), &[0, mine, 1], Error::BadArgument)?;
    for count in [4097, u64::MAX] {
        fails(Call::ClaimCount, (OWN, 0), &[other.argument(), count], Error::TooLong)?;
        fails(Call::ClaimRun, (OWN, 0), &[other.argument(), mine, count], Error::TooLong)?;
    }
    fails_at(Call::ClaimRun, (OWN, 0), &[other.argument(), mine, 1], Error::FrameForeign, mine)?;
    fails(Call::ClaimRun, (OWN, 0), &[other.argument(), info::frame_count(), 1], Error::NoSuchFrame).map(drop)
}

/// The first frame of the child's, and one of the parent's.
static FIRST: AtomicU64 = AtomicU64::new(0);
static PARENTS: AtomicU64 = AtomicU64::new(0);
static CLAIMED: AtomicU64 = AtomicU64::new(0);
static READY: AtomicU64 = AtomicU64::new(0);

/// Takes frames and does nothing for ever.
extern "C" fn keep(_: u64, _: u64) -> ! {
    let first = take_run(FRAMES).unwrap_or(0);
    FIRST.store(first, Ordering::SeqCst);
    let bound = ask(Call::BindRun, (0, 0), &[0, 0, READ, first, FRAMES]);
    READY.store(bound.code + 1, Ordering::SeqCst);
    loop {
        core::hint::spin_loop();
    }
}

/// The same, but answers as it must not.
extern "C" fn cheat(_: u64, _: u64) -> ! {
    let first = take_run(FRAMES).unwrap_or(0);
    FIRST.store(first, Ordering::SeqCst);
    READY.store(1, Ordering::SeqCst);
    while CLAIMED.load(Ordering::SeqCst) == 0 {
        core::hint::spin_loop();
    }
    // The parent claims the first four: neither the parent's frames nor others of its own answer for them, and what is
    // claimed does not become anything else meanwhile.
    let foreign = ask(Call::FreeRun, (0, 0), &[PARENTS.load(Ordering::SeqCst), 1]);
    let hidden = ask(Call::ReserveAdd, (0, 0), &[first, 4]);
    let kept = ask(Call::SetGuaranteed, (0, 0), &[first, 4, 1]);
    let other = ask(Call::FreeRun, (0, 0), &[first + 8, 1]);
    let seen = [foreign.code, hidden.code, kept.code, other.code, other.value];
    let (wrong, pending) = (Error::FrameForeign.number(), Error::ClaimPending.number());
    // Force may come between these calls where many run; then the answers say nothing, and the parent tries again.
    let owner = |frame| info::frame(frame).map(|record| (record.state, record.owner_index));
    if owner(first) == owner(first + FRAMES - 1) {
        READY.store(if seen == [wrong, pending, pending, 0, 0] { 2 } else { 3 }, Ordering::SeqCst);
    }
    loop {
        core::hint::spin_loop();
    }
}

/// A child that has taken frames; the first of them.
fn with_frames(boot: &'static BootPage, body: thread::Body) -> Result<(Child, u64), alloc::string::String> {
    // It is there already for a second child.
    let _ = child::derive(CHILD, 1);
    let child = Child::new(boot, CHILD)?;
    child.vcpu(boot.cpu, body, 0)?;
    child.start()?;
    until("the child has its frames", || READY.load(Ordering::SeqCst) != 0)?;
    same("what the child was told", READY.load(Ordering::SeqCst), 1)?;
    Ok((child, FIRST.load(Ordering::SeqCst)))
}

/// Waits for the end of this environment's claim.
fn claimed(serial: u64) -> Result<u32, alloc::string::String> {
    let ended = || info::claim().is_some_and(|claim| claim.serial == serial && claim.phase != phase::REQUESTED);
    until("the claim has ended", ended)?;
    info::claim().map(|claim| claim.phase).ok_or_else(|| "no claim".into())
}

fn ignored(boot: &'static BootPage) -> Verdict {
    let (child, first) = with_frames(boot, keep)?;
    let name = child.id.argument();
    let serial = works(Call::ClaimRun, (CHILD, 0), &[name, first + 2, 4])?;
    fails(Call::ClaimRun, (CHILD, 0), &[name, first + 8, 1], Error::ClaimPending)?;
    fails(Call::ClaimCount, (CHILD, 0), &[name, 1], Error::ClaimPending)?;
    same("how the claim ended", claimed(serial)?, phase::FORCED)?;
    for frame in first..first + FRAMES {
        let record = info::frame(frame).ok_or("no record")?;
        let inside = (first + 2..first + 6).contains(&frame);
        let wanted = if inside { (frame_state::PROMISED, 0) } else { (frame_state::OWNED, 1 << child.id.index) };
        same("state and binders", (record.state, record.binders), wanted)?;
    }
    same("frames that were scrubbed", works(Call::AllocateRun, (OWN, 0), &[first + 2, 4])?, 4)?;
    works(Call::FreeRun, (OWN, 0), &[first + 2, 4]).map(drop)
}

fn false_answer(boot: &'static BootPage) -> Verdict {
    PARENTS.store(boot.runs().first().ok_or("no run")?.first, Ordering::SeqCst);
    // Where many run, force may come before the child has had its turn; then there is another child.
    for _ in 0..8 {
        READY.store(0, Ordering::SeqCst);
        CLAIMED.store(0, Ordering::SeqCst);
        let (child, first) = with_frames(boot, cheat)?;
        let serial = works(Call::ClaimRun, (CHILD, 0), &[child.id.argument(), first, 4])?;
        CLAIMED.store(1, Ordering::SeqCst);
        same("how the claim ended", claimed(serial)?, phase::FORCED)?;
        works(Call::AllocateRun, (OWN, 0), &[first, 4])?;
        works(Call::FreeRun, (OWN, 0), &[first, 4])?;
        match READY.load(Ordering::SeqCst) {
            1 => works(Call::EnvironmentDestroy, (CHILD, 0), &[child.id.argument()])?,
            told => return same("what the child was told", told, 2),
        };
        until("the child has ended", || child.has_ended())?;
    }
    Err("no child ever had its turn in time".into())
}

fn ignored_slice(boot: &'static BootPage) -> Verdict {
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    let position = child.vcpu(boot.cpu, keep, 0)?;
    child.start()?;
    until("the child runs", || READY.load(Ordering::SeqCst) != 0)?;
    let serial = works(Call::ClaimSlice, (CHILD, 0), &[child.id.argument(), boot.cpu.into(), position])?;
    same("how the claim ended", claimed(serial)?, phase::FORCED)?;
    let record = info::slice(boot.cpu, usize::try_from(position).unwrap_or(0)).ok_or("no slice")?;
    let mine = info::own_id();
    same("the slice", (record.state, record.owner_index), (slice_state::PROMISED, mine.index))?;
    let ticks = |child: &Child| child.record().map_or(0, |record| record.ticks);
    let before = ticks(&child);
    (0..5).for_each(|_| exo_user::call::yield_slice());
    same("ticks without a slice", ticks(&child), before)?;
    works(Call::SliceAllocate, (OWN, 0), &[boot.cpu.into(), position, 0, 0])?;
    works(Call::SliceFree, (OWN, 0), &[boot.cpu.into(), position])?;
    must("the child still lives", !child.has_ended())
}
