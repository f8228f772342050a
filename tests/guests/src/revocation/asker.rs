//! Who claims from a library OS that takes what it can get: once while it holds much that nobody there uses, and once while a program
//! of its uses nearly all.

use super::verdict_status;
use crate::hostile::Verdict;
use crate::kit::neighbour::Neighbour;
use crate::kit::{OWN, must, same, works};
use alloc::format;
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::environment_page::phase;
use exo_user::abi::info::frame_state;
use exo_user::{EnvironmentId, call, cpu, events, frames, info, println};

/// Frames that are claimed at a time: more than a library OS keeps for a rainy day.
const CLAIMED: u64 = 1024;
/// Ticks in which nothing changes before somebody counts as quiet: he may be busy with what he has.
const QUIET: u64 = 150_000_000;
/// Ticks after which what was waited for counts as not coming.
const PATIENCE: u64 = 8_000_000_000;
/// Ticks between two looks.
const NAP: u64 = 2_000_000;

/// Claims twice from the environment of that name; the exit status.
pub fn run(_boot: &'static BootPage, name: &str) -> u32 {
    verdict_status(asks(name))
}

fn asks(name: &str) -> Verdict {
    same("frames given up", frames::shrink(0..u64::MAX, CLAIMED), CLAIMED)?;
    let victim = Neighbour::named(name).ok_or_else(|| format!("{name} does not run"))?;
    for round in ["first", "second"] {
        let held = until_it_has_all(victim.id)?;
        let serial = works(Call::ClaimCount, (OWN, 0), &[victim.argument(), CLAIMED])?;
        let begin = cpu::read_tsc();
        let claim = loop {
            match info::claim().filter(|claim| claim.serial == serial) {
                Some(claim) if claim.phase != phase::REQUESTED => break claim,
                _ => must("the claim ends", cpu::read_tsc() - begin < PATIENCE)?,
            }
            call::yield_slice();
        };
        same("the claim's end", claim.phase, phase::ANSWERED)?;
        same("frames that were given", held - of(victim.id), CLAIMED)?;
        println!("{round} claim answered");
        give_back()?;
    }
    Ok(())
}

/// Frames of an environment.
fn of(id: EnvironmentId) -> u64 {
    info::environment(id).map_or(0, |record| record.frames)
}

/// Waits until somebody has taken all that was free, and is quiet; how much he has.
fn until_it_has_all(id: EnvironmentId) -> Result<u64, alloc::string::String> {
    let begin = cpu::read_tsc();
    let (mut since, mut held) = (begin, of(id));
    loop {
        let now = cpu::read_tsc();
        if of(id) != held || free() >= CLAIMED {
            (since, held) = (now, of(id));
        }
        if now - since >= QUIET {
            return Ok(held);
        }
        must("the others have all", now - begin < PATIENCE)?;
        events::block(now + NAP);
    }
}

fn free() -> u64 {
    let is_free = |frame: &u64| info::frame(*frame).is_some_and(|record| record.state == frame_state::FREE);
    (0..info::frame_count()).filter(is_free).count() as u64
}

/// What was claimed goes back to the kernel, where the victim can take it again.
fn give_back() -> Verdict {
    same("frames that were promised", frames::take_promised().unwrap_or_else(|(taken, _)| taken), CLAIMED)?;
    same("frames given back", frames::shrink(0..u64::MAX, CLAIMED), CLAIMED)
}
