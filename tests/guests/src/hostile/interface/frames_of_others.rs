//! Frames that are somebody else's, named in every call that takes the name of a frame. Each says what is wrong, and the
//! witness beside keeps what it has.

use super::{Case, EXITS, Verdict};
use crate::kit::list::List;
use crate::kit::neighbour::witness;
use crate::kit::{OWN, fails, fails_at, free_run, same, take_run, works};
use alloc::string::String;
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights::{EXECUTE, READ, WRITE};
use exo_user::abi::error::Error;
use exo_user::abi::info::frame_state;
use exo_user::info;

pub const CASES: &[Case] = &[
    Case::new("allocate-foreign", EXITS, allocate, "allocates frames that are not free, alone, in runs and in lists"),
    Case::new("free-foreign", EXITS, free, "frees frames that are not its own"),
    Case::new("bind-foreign", EXITS, bind, "binds frames whose guard its capabilities do not dominate"),
    Case::new("bind-into-neighbour", EXITS, bind_into, "binds frames in an environment over which it has no authority"),
    Case::new("unbind-foreign", EXITS, unbind, "ends bindings of an environment over which it has no authority"),
    Case::new("change-foreign-rights", EXITS, change, "changes the rights of bindings that are not its own"),
    Case::new("guard-foreign", EXITS, guard, "sets the guard of frames that are not its own"),
    Case::new(
        "guarantee-foreign",
        EXITS,
        guarantee,
        "has frames that are not its own guaranteed, and too many of its own",
    ),
    Case::new("reserve-foreign", EXITS, reserve, "makes frames that are not its own metadata"),
    Case::new("child-of-foreign-frames", EXITS, child, "makes an environment of frames that are not its own"),
];

/// A frame of the kernel's image.
const KERNEL: u64 = 0x200;

/// Frames that are not this environment's, each with the error of a call that wants its own.
fn not_its_own() -> Result<[(u64, Error); 4], String> {
    let beyond = info::frame_count();
    Ok([
        (witness()?.frame, Error::FrameForeign),
        (free_run(1)?, Error::FrameForeign),
        (KERNEL, Error::NoSuchFrame),
        (beyond, Error::NoSuchFrame),
    ])
}

fn each_fails(call: Call, slots: (u8, u8), before: &[u64], after: &[u64]) -> Verdict {
    for (frame, error) in not_its_own()? {
        let arguments = [before, &[frame, 1], after].concat();
        fails_at(call, slots, &arguments, error, frame)?;
    }
    Ok(())
}

fn allocate(boot: &'static BootPage) -> Verdict {
    let foreign = witness()?.frame;
    let mine = boot.runs().first().ok_or("no run")?.first;
    let list = List::new(&[])?;
    for (frame, error) in [
        (foreign, Error::FrameTaken),
        (mine, Error::FrameTaken),
        (KERNEL, Error::NoSuchFrame),
        (0, Error::NoSuchFrame),
        (info::frame_count(), Error::NoSuchFrame),
    ] {
        fails_at(Call::AllocateRun, (OWN, 0), &[frame, 1], error, frame)?;
        list.write(&[(frame, 1)]);
        fails_at(Call::AllocateList, (OWN, 0), &[list.physical(), 1], error, frame)?;
    }
    // A list with one bad frame is refused whole.
    let good = free_run(1)?;
    let mut both = [(good, 1), (foreign, 1)];
    both.sort_unstable();
    list.write(&both);
    fails_at(Call::AllocateList, (OWN, 0), &[list.physical(), 2], Error::FrameTaken, foreign)?;
    let state = info::frame(good).map(|record| (record.state, record.owner_index));
    let mine = state == Some((frame_state::OWNED, u16::try_from(boot.environment_index).unwrap_or(0)));
    same("part of a refused list is this environment's", mine, false)
}

fn free(_boot: &'static BootPage) -> Verdict {
    each_fails(Call::FreeRun, (OWN, 0), &[], &[])?;
    let frame = witness()?.frame;
    let list = List::new(&[(frame, 1)])?;
    fails_at(Call::FreeList, (OWN, 0), &[list.physical(), 1], Error::FrameForeign, frame).map(drop)
}

fn bind(_boot: &'static BootPage) -> Verdict {
    let frame = witness()?.frame;
    for rights in [READ, READ | WRITE, READ | EXECUTE, READ | WRITE | EXECUTE] {
        fails_at(Call::BindRun, (0, 0), &[0, 0, rights, frame, 1], Error::Underprivileged, frame)?;
    }
    // A longer name dominates less, not more.
    works(Call::CapabilityDerive, (OWN, 0), &[9, u64::MAX >> 55, 1, 1])?;
    fails_at(Call::BindRun, (0, 0), &[0, 9, READ, frame, 1], Error::Underprivileged, frame)?;
    for nobody in [KERNEL, 0, info::frame_count(), u64::MAX >> 12] {
        fails(Call::BindRun, (0, 0), &[0, 0, READ, nobody, 1], Error::NoSuchFrame)?;
    }
    let list = List::new(&[(frame, 1)])?;
    fails_at(Call::BindList, (0, 0), &[0, 0, READ, list.physical(), 1], Error::Underprivileged, frame)
}

fn bind_into(boot: &'static BootPage) -> Verdict {
    let other = witness()?;
    let mine = boot.runs().first().ok_or("no run")?.first;
    for frame in [mine, other.frame] {
        fails(Call::BindRun, (0, OWN), &[other.argument(), 0, READ, frame, 1], Error::Underprivileged)?;
        fails(Call::BindRun, (0, 50), &[other.argument(), 0, READ, frame, 1], Error::BadSlot)?;
    }
    same("the binders of its frame", info::frame(other.frame).map(|it| it.binders), Some(1 << other.id.index))
}

fn unbind(boot: &'static BootPage) -> Verdict {
    let other = witness()?;
    let mine = boot.runs().first().ok_or("no run")?.first;
    let at = |environment, frame| [environment, frame, 1];
    fails(Call::UnbindRun, (OWN, OWN), &at(other.argument(), other.frame), Error::Underprivileged)?;
    fails(Call::UnbindRun, (50, 51), &at(other.argument(), other.frame), Error::BadSlot)?;
    fails_at(Call::UnbindRun, (OWN, OWN), &at(other.argument(), mine), Error::FrameNotBound, mine)?;
    fails_at(Call::UnbindRun, (OWN, OWN), &at(0, other.frame), Error::FrameNotBound, other.frame)?;
    // What the kernel shows is no binding.
    for page in [boot.system_page_physical, boot.event_page_physical, boot.counters_physical] {
        fails(Call::UnbindRun, (OWN, OWN), &at(0, page >> 12), Error::FrameNotBound)?;
    }
    Ok(())
}

fn change(boot: &'static BootPage) -> Verdict {
    let other = witness()?;
    let call = Call::ChangeRightsRun;
    fails(call, (0, OWN), &[other.argument(), 0, READ, other.frame, 1], Error::Underprivileged)?;
    fails_at(call, (0, 0), &[0, 0, READ | WRITE, other.frame, 1], Error::FrameNotBound, other.frame)?;
    for page in [boot.system_page_physical, boot.environment_page_physical, boot.counters_physical] {
        fails(call, (0, 0), &[0, 0, READ | WRITE, page >> 12, 1], Error::FrameNotBound)?;
    }
    Ok(())
}

fn guard(_boot: &'static BootPage) -> Verdict {
    each_fails(Call::SetGuard, (OWN, OWN), &[], &[])
}

fn guarantee(_boot: &'static BootPage) -> Verdict {
    each_fails(Call::SetGuaranteed, (0, 0), &[], &[1])?;
    each_fails(Call::SetGuaranteed, (0, 0), &[], &[0])?;
    fails(Call::SetGuaranteed, (0, 0), &[free_run(1)?, 1, 2], Error::BadArgument)?;
    // It has all that it is guaranteed already: its frames of the boot page are the set, and one more is too many.
    let more = take_run(1)?;
    let own = info::own_id();
    let guaranteed = info::environment(own).map_or(0, |record| record.guarantee);
    let mut in_set = 0;
    for frame in 0..info::frame_count() {
        let owned = info::frame(frame).is_some_and(|record| {
            record.state == frame_state::OWNED && u32::from(record.owner_index) == own.index && frame != more
        });
        if owned && in_set < guaranteed {
            in_set = works(Call::SetGuaranteed, (0, 0), &[frame, 1, 1])?;
        }
    }
    same("the guaranteed set", in_set, guaranteed)?;
    fails(Call::SetGuaranteed, (0, 0), &[more, 1, 1], Error::GuaranteeExceeded).map(drop)
}

fn reserve(_boot: &'static BootPage) -> Verdict {
    each_fails(Call::ReserveAdd, (OWN, 0), &[], &[])
}

fn child(boot: &'static BootPage) -> Verdict {
    let list = List::new(&[])?;
    let bound = boot.runs().first().ok_or("no run")?.first;
    let good = take_run(64)?;
    for (frame, error) in not_its_own()?.into_iter().chain([(bound, Error::FrameBound)]) {
        let mut runs = [(good, 64), (frame, 1)];
        runs.sort_unstable();
        list.write(&runs);
        fails_at(Call::EnvironmentCreate, (OWN, 0), &[list.physical(), 2], error, frame)?;
    }
    // None of these attempts has used the good ones up.
    works(Call::FreeRun, (OWN, 0), &[good, 64]).map(drop)
}
