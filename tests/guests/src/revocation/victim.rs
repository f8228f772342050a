//! Who is asked: holds frames beyond its guarantee, with a pattern in each that must survive in those that it keeps.

use super::{CLAIMED, TAKEN};
use crate::hostile::Verdict;
use crate::kit::child::{self, Child, is_own};
use crate::kit::neighbour::{free_slice, slice_of};
use crate::kit::{OWN, ask, call_itself, must, same, take_run, until, works};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use exo_user::abi::boot_page::{BootPage, FrameRun};
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights::{self, READ, WRITE};
use exo_user::abi::environment_page::{kind, phase, reason};
use exo_user::{call, cpu, frames, info, println};

const CHILD: u8 = 9;
/// The child's slot for its parent's own name.
const AUTHORITY: u8 = 2;
/// Frames that are taken at a time.
const PART: u64 = 256;

const fn word(frame: u64, index: usize) -> u64 {
    (frame ^ index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1
}

fn words(frame: u64) -> impl Iterator<Item = (usize, *mut u64)> {
    (0..512).step_by(37).map(move |index| (index, frames::window(frame << 12).cast::<u64>().wrapping_add(index)))
}

fn take() -> Result<Vec<u64>, String> {
    let mut taken = Vec::new();
    while (taken.len() as u64) < TAKEN {
        let first = take_run(PART)?;
        works(Call::BindRun, (0, 0), &[0, 0, READ | WRITE, first, PART])?;
        frames::extend_window(FrameRun { first, count: PART }).map_err(|error| format!("{error}"))?;
        taken.extend(first..first + PART);
    }
    for (frame, (index, place)) in taken.iter().flat_map(|&frame| words(frame).map(move |it| (frame, it))) {
        // SAFETY: the frame is new, bound and mapped.
        unsafe { place.write_volatile(word(frame, index)) };
    }
    Ok(taken)
}

/// Takes frames beyond the guarantee, is asked, answers as its part is, and looks what is left.
pub fn run(boot: &'static BootPage, part: &str) -> Verdict {
    let before = info::repossessed();
    // What it runs on is its guaranteed set: force takes the lowest frames that are not.
    if part == "timeless" {
        pay_for_child(boot)?;
    }
    for run in child::own_runs(boot) {
        works(Call::SetGuaranteed, (0, 0), &[run.first, run.count, 1])?;
    }
    let taken = take()?;
    let first = taken[0];
    call_itself(&format!("{part} ready"))?;
    if part == "timeless" {
        give_time_away(boot)?;
    }
    let asked = || info::request().is_some_and(|request| request.phase != phase::NONE);
    until_long("it is asked", asked)?;
    match part {
        "cooperates" => {
            works(Call::UnbindRun, (OWN, 0), &[0, first, CLAIMED])?;
            same("frames that answered", works(Call::FreeRun, (OWN, 0), &[first, CLAIMED])?, CLAIMED)?;
        }
        "slow" => {
            // One half in time, and the rest never.
            works(Call::UnbindRun, (OWN, 0), &[0, first, CLAIMED / 2])?;
            works(Call::FreeRun, (OWN, 0), &[first, CLAIMED / 2])?;
            spin_until_over()?;
        }
        "ignores" => spin_until_over()?,
        _ => {}
    }
    until_long("the claim ends", || info::request().is_some_and(|request| request.phase != phase::REQUESTED))?;
    check(part, &taken, before)
}

/// Uses up its time without a call.
fn spin_until_over() -> Verdict {
    cpu::disable_interrupts();
    for _ in 0..200_000_000_u64 {
        if info::request().is_some_and(|request| request.phase != phase::REQUESTED) {
            return Ok(());
        }
    }
    Err("force never came".into())
}

fn until_long(what: &str, mut condition: impl FnMut() -> bool) -> Verdict {
    for _ in 0..20 {
        if until(what, &mut condition).is_ok() {
            return Ok(());
        }
    }
    until(what, condition)
}

/// Gives the last of its first frames back: then its guarantee pays for a child's metadata beside its guaranteed set.
fn pay_for_child(boot: &BootPage) -> Verdict {
    let run = boot.runs().last().ok_or("no frames")?;
    let first = run.first + run.count - child::RESERVE;
    works(Call::UnbindRun, (OWN, 0), &[0, first, child::RESERVE])?;
    works(Call::FreeRun, (OWN, 0), &[first, child::RESERVE]).map(drop)
}

/// Gives its only slice up. A child that may act for it takes a new one once force has come: until then it has no time.
fn give_time_away(boot: &BootPage) -> Verdict {
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    works(Call::CapabilityGrant, (OWN, CHILD), &[child.id.argument(), AUTHORITY.into(), rights::ALL])?;
    child.vcpu(boot.cpu, give_time_back, boot.cpu.into())?;
    let (cpu, position) = slice_of(info::own_id()).ok_or("no slice")?;
    child.start()?;
    works(Call::SliceFree, (OWN, 0), &[cpu.into(), position])?;
    call::yield_slice();
    Ok(())
}

/// What the child does. It runs on its parent's memory, so `own_id` is the parent.
extern "C" fn give_time_back(_: u64, cpu: u64) -> ! {
    let frames = || info::environment(info::own_id()).map_or(0, |record| record.frames);
    let before = frames();
    while frames() == before {
        call::yield_slice();
    }
    let position = free_slice(u32::try_from(cpu).unwrap_or(0)).unwrap_or(0);
    ask(Call::SliceAllocate, (AUTHORITY, AUTHORITY), &[cpu, position, info::own_id().argument(), 0]);
    call::exit(0)
}

/// What it kept is as it was, what it lost is in the vector, and nothing else is.
fn check(part: &str, taken: &[u64], before: u64) -> Verdict {
    let mut lost = Vec::new();
    for number in before..info::repossessed() {
        let entry = info::repossession(number).ok_or("no entry")?;
        same("kind and reason", (entry.kind, entry.reason), (kind::FRAMES, reason::FORCED))?;
        lost.extend(entry.first..entry.first + entry.count);
    }
    let forced = match part {
        "cooperates" => 0,
        "slow" => CLAIMED / 2,
        _ => CLAIMED,
    };
    same("frames in the repossession vector", lost.len() as u64, forced)?;
    must("nothing that is in the vector is left", lost.iter().all(|&frame| !is_own(frame)))?;
    let mut kept = 0;
    for &frame in taken {
        if !is_own(frame) {
            continue;
        }
        kept += 1;
        for (index, place) in words(frame) {
            // SAFETY: the frame is this environment's still, bound and mapped.
            same("a word that was kept", unsafe { place.read_volatile() }, word(frame, index))?;
        }
    }
    println!("{part}: kept {kept} of {TAKEN}, lost {} by force", lost.len());
    Ok(())
}
