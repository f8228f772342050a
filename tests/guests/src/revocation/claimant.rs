//! Who claims: below its guarantee, from one victim after the other.

use super::{CLAIMED, TAKEN, VICTIMS};
use crate::hostile::Verdict;
use crate::kit::neighbour::Neighbour;
use crate::kit::{OWN, fails, must, same, until, works};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use exo_user::EnvironmentId;
use exo_user::abi::boot_page::{BootPage, FrameRun};
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights::{READ, WRITE};
use exo_user::abi::environment_page::phase;
use exo_user::abi::error::Error;
use exo_user::abi::info::{RevocationCounters, frame_state};
use exo_user::{frames, info, println};

/// Claims from each victim in turn, and says what each phase did.
pub fn run(_boot: &'static BootPage) -> Verdict {
    same("frames given up", frames::shrink(0..u64::MAX, CLAIMED), CLAIMED)?;
    // One of them will have no slice when its turn comes.
    let mut victims = Vec::new();
    for name in VICTIMS {
        victims.push((name, found(name)?));
    }
    for (name, victim) in victims {
        until("the victim has taken its frames", || ready(victim.id))?;
        claim_from(name, &victim)?;
    }
    Ok(())
}

fn found(name: &str) -> Result<Neighbour, String> {
    Neighbour::named(name).ok_or_else(|| format!("{name} does not run"))
}

/// Whether a victim has taken its frames, and, where it is to have no time, given up its slice.
fn ready(id: EnvironmentId) -> bool {
    info::environment(id).is_some_and(|record| {
        let name = record.name.get(..usize::try_from(record.name_length).unwrap_or(0)).unwrap_or_default();
        let timeless = name.starts_with(b"timeless");
        name.ends_with(b" ready") && record.frames >= record.guarantee + TAKEN && (!timeless || record.slices == 0)
    })
}

fn counters() -> RevocationCounters {
    info::system().map(|system| system.revocation).unwrap_or_default()
}

fn claim_from(name: &str, victim: &Neighbour) -> Verdict {
    fails(Call::ClaimCount, (OWN, 0), &[victim.argument(), CLAIMED + 1], Error::NotEntitled)?;
    let set = (0..info::frame_count()).find(|&frame| in_guaranteed_set(frame, victim.id));
    let set = set.ok_or("nothing is in the guaranteed set")?;
    fails(Call::ClaimRun, (OWN, 0), &[victim.argument(), set, 1], Error::VictimGuaranteed)?;
    let before = counters();
    let serial = works(Call::ClaimCount, (OWN, 0), &[victim.argument(), CLAIMED])?;
    same("requests", counters().requests, before.requests + 1)?;
    let ended = || info::claim().is_some_and(|claim| claim.serial == serial && claim.phase != phase::REQUESTED);
    until("the claim ends", ended)?;
    let (after, claim) = (counters(), info::claim().ok_or("no claim")?);
    let answers = matches!(name, "cooperates");
    same("the claim's end", claim.phase, if answers { phase::ANSWERED } else { phase::FORCED })?;
    same("answered", after.answered - before.answered, u64::from(answers))?;
    same("forced", after.forced - before.forced, u64::from(!answers))?;
    same("given and taken", after.given - before.given + after.taken - before.taken, CLAIMED)?;
    let (given, taken) = (after.given - before.given, after.taken - before.taken);
    let waited = after.answer_ticks - before.answer_ticks + after.deadline_ticks - before.deadline_ticks;
    must("each phase has its time", waited != 0 && (answers || after.force_ticks > before.force_ticks))?;
    println!("claim from={name} given={given} taken={taken} phase={}", claim.phase);
    check_promised(name)?;
    Ok(())
}

fn in_guaranteed_set(frame: u64, id: EnvironmentId) -> bool {
    info::frame(frame).is_some_and(|record| {
        record.flags & exo_user::abi::info::frame_flags::GUARANTEED != 0 && u32::from(record.owner_index) == id.index
    })
}

/// Takes what was promised, finds zeros, and gives it back.
fn check_promised(name: &str) -> Verdict {
    let own = info::own_id();
    let promised = |frame: &u64| {
        info::frame(*frame)
            .is_some_and(|record| record.state == frame_state::PROMISED && u32::from(record.owner_index) == own.index)
    };
    let frames: Vec<u64> = (0..info::frame_count()).filter(promised).collect();
    same("frames that were promised", frames.len() as u64, CLAIMED)?;
    for &frame in &frames {
        works(Call::AllocateRun, (OWN, 0), &[frame, 1])?;
        works(Call::BindRun, (0, 0), &[0, 0, READ | WRITE, frame, 1])?;
        frames::extend_window(FrameRun { first: frame, count: 1 }).map_err(|error| format!("{error}"))?;
        for index in 0..512 {
            // SAFETY: the frame is bound and mapped in the window.
            let word = unsafe { frames::window(frame << 12).cast::<u64>().add(index).read_volatile() };
            same("a word of what was claimed", word, 0)?;
        }
        works(Call::UnbindRun, (OWN, 0), &[0, frame, 1])?;
    }
    // Back to the kernel, so that the next claim finds this environment below its guarantee.
    for &frame in &frames {
        works(Call::FreeRun, (OWN, 0), &[frame, 1])?;
    }
    println!("{name}: {} frames of zeros", frames.len());
    Ok(())
}
