//! Taking until nothing is left. Every refusal names what is used up, and giving it back helps.

use super::{Case, EXITS, Verdict};
use crate::kit::child::{self, Child, RESERVE};
use crate::kit::list::List;
use crate::kit::neighbour::free_slice;
use crate::kit::{OWN, ask, fails, must, same, take_run, thread, until, works};
use alloc::format;
use alloc::vec::Vec;
use exo_user::EnvironmentId;
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights::READ;
use exo_user::abi::error::Error;
use exo_user::abi::info::{MAX_VCPUS, environment_state, frame_state};
use exo_user::{call, info};

pub const CASES: &[Case] = &[
    Case::new("child-bomb", EXITS, children, "makes environments until no place or no guarantee is left"),
    Case::new("small-reserve", EXITS, small_reserve, "makes environments of too few frames"),
    Case::new("vcpu-bomb", EXITS, vcpus, "gives a child virtual CPUs until it has all that there are"),
    Case::new("resident-bomb", EXITS, residents, "puts more virtual CPUs on one CPU than it can have environments"),
    Case::new("bind-bomb", EXITS, binds, "binds frames far apart until the reserve for tables is used up"),
    Case::new("frame-bomb", EXITS, frame_bomb, "takes every free frame that there is, and gives all back"),
    Case::new("slice-bomb", EXITS, slice_bomb, "takes every free slice that there is, and gives all back"),
];

const CHILD: u8 = 9;
/// Frames of metadata that suffice for an environment without virtual CPUs.
const LITTLE: u64 = 32;

/// Waits until every other hostile guest with a lower number has ended: what one takes, the next cannot have.
pub(super) fn take_turns(boot: &BootPage) -> Verdict {
    let runs = |index| {
        info::environment_at(index).is_some_and(|it| {
            let witness = it.name.starts_with(b"witness");
            it.state == environment_state::RUNNING && it.parent_generation == 0 && !witness
        })
    };
    while (0..boot.environment_index).any(runs) {
        call::yield_slice();
    }
    Ok(())
}

pub(super) fn end(id: EnvironmentId) -> Verdict {
    works(Call::EnvironmentDestroy, (OWN, 0), &[id.argument()])?;
    let ended = || info::environment(id).is_none_or(|it| it.state == environment_state::ENDED);
    until("the child has ended", ended)?;
    works(Call::EnvironmentForget, (OWN, 0), &[id.argument()]).map(drop)
}

/// Its guarantee, which pays for its children.
fn guarantee() -> u64 {
    info::environment(info::own_id()).map_or(0, |it| it.guarantee)
}

fn children(boot: &'static BootPage) -> Verdict {
    take_turns(boot)?;
    let list = List::new(&[])?;
    let (before, mut made) = (guarantee(), Vec::new());
    let refused = loop {
        let first = take_run(LITTLE)?;
        list.write(&[(first, LITTLE)]);
        let reply = ask(Call::EnvironmentCreate, (OWN, 0), &[list.physical(), 1]);
        match Error::from_number(reply.code) {
            None => made.push(EnvironmentId::from_value(reply.value)),
            Some(error @ (Error::TableFull | Error::GuaranteeExceeded)) => {
                works(Call::FreeRun, (OWN, 0), &[first, LITTLE])?;
                break error;
            }
            Some(other) => return Err(format!("child {}: {other:?}", made.len())),
        }
    };
    let count = made.len();
    exo_user::println!("made {count} environments, then {refused:?}");
    must("there was room for many", count > 20)?;
    same("the guarantee that is left", guarantee(), before - LITTLE * count as u64)?;
    let last = made.pop().ok_or("none was made")?;
    end(last)?;
    let first = take_run(LITTLE)?;
    list.write(&[(first, LITTLE)]);
    made.push(EnvironmentId::from_value(works(Call::EnvironmentCreate, (OWN, 0), &[list.physical(), 1])?));
    made.into_iter().try_for_each(end)?;
    same("the guarantee in the end", guarantee(), before)
}

fn small_reserve(boot: &'static BootPage) -> Verdict {
    take_turns(boot)?;
    let list = List::new(&[])?;
    let first = take_run(64)?;
    let mut least = 0;
    for count in 0..=64 {
        list.write(&[(first, count)]);
        let reply = ask(Call::EnvironmentCreate, (OWN, 0), &[list.physical(), 1]);
        match Error::from_number(reply.code) {
            None => {
                exo_user::println!("an environment takes {count} frames");
                end(EnvironmentId::from_value(reply.value))?;
                least = count;
                break;
            }
            Some(Error::ReserveEmpty) => {}
            Some(other) => return Err(format!("of {count} frames: {other:?}")),
        }
        // What was refused is this environment's as before.
        same("the frame's owner", info::frame(first).map(|it| it.state), Some(frame_state::OWNED))?;
    }
    must("64 frames suffice", least != 0)
}

extern "C" fn sleep(page: u64, _: u64) -> ! {
    thread::rest(page)
}

fn vcpus(boot: &'static BootPage) -> Verdict {
    take_turns(boot)?;
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    let arguments = [child.id.argument(), boot.cpu.into(), thread::entry(), thread::stack(sleep, 0)?, 0];
    let mut made = 0;
    let refused = loop {
        let reply = ask(Call::VcpuCreate, (CHILD, 0), &arguments);
        match Error::from_number(reply.code) {
            None => made += 1,
            Some(error) => break error,
        }
    };
    exo_user::println!("made {made} virtual CPUs, then {refused:?}");
    if refused == Error::ReserveEmpty {
        // More reserve helps until there are as many as there can be; the child's own call adds it, so here it is made larger.
        return must("some were made", made > 0);
    }
    same("virtual CPUs", (made, refused), (MAX_VCPUS, Error::TooManyVcpus))?;
    fails(Call::VcpuCreate, (CHILD, 0), &arguments, Error::TooManyVcpus).map(drop)
}

/// A CPU has room for a limited number of virtual CPUs. Whoever comes too late is refused; nobody is ended for it.
fn residents(boot: &'static BootPage) -> Verdict {
    take_turns(boot)?;
    let mut made = Vec::new();
    let mut count = 0;
    let refused = 'all: loop {
        let Ok(first) = take_run(RESERVE * 2) else { break None };
        let list = List::new(&[(first, RESERVE * 2)])?;
        let reply = ask(Call::EnvironmentCreate, (OWN, 0), &[list.physical(), 1]);
        if reply.code != 0 {
            works(Call::FreeRun, (OWN, 0), &[first, RESERVE * 2])?;
            break Error::from_number(reply.code);
        }
        let id = EnvironmentId::from_value(reply.value);
        made.push(id);
        for _ in 0..MAX_VCPUS {
            let arguments = [id.argument(), boot.cpu.into(), 0, 0, 0];
            let reply = ask(Call::VcpuCreate, (OWN, 0), &arguments);
            match Error::from_number(reply.code) {
                None => count += 1,
                Some(Error::TooManyVcpus) => break 'all Some(Error::TooManyVcpus),
                Some(other) => return Err(format!("virtual CPU {count}: {other:?}")),
            }
        }
        call::yield_slice();
    };
    exo_user::println!("{count} virtual CPUs of {} environments, then {refused:?}", made.len());
    (0..10).for_each(|_| call::yield_slice());
    let lost = made.iter().filter(|&&id| info::environment(id).is_none_or(|it| it.state != environment_state::STOPPED));
    same("environments that were ended for it", lost.count(), 0)?;
    made.into_iter().try_for_each(end)
}

/// One frame in each 2 MiB takes a table each.
fn binds(boot: &'static BootPage) -> Verdict {
    take_turns(boot)?;
    child::derive(CHILD, 1)?;
    let id = child::empty(CHILD, 40)?;
    works(Call::CapabilityGrant, (OWN, CHILD), &[id.argument(), 1, READ])?;
    let mut mine = Vec::new();
    for large in 0..info::frame_count() / 512 {
        let first = large * 512;
        let free = (first..first + 512).find(|&it| info::frame(it).is_some_and(|it| it.state == frame_state::FREE));
        let Some(frame) = free else { continue };
        if ask(Call::AllocateRun, (OWN, 0), &[frame, 1]).code == 0 {
            mine.push(frame);
        }
    }
    let bind = |frame| ask(Call::BindRun, (0, CHILD), &[id.argument(), 1, READ, frame, 1]);
    let refused = mine.iter().position(|&frame| bind(frame).code == Error::ReserveEmpty.number());
    let refused = refused.ok_or("the reserve was never used up")?;
    exo_user::println!("bound {refused} frames far apart");
    same("binders of what was refused", info::frame(mine[refused]).map(|it| it.binders), Some(0))?;
    // A frame beside one that is bound needs no table, and this environment's own reserve is another one.
    works(Call::BindRun, (0, 0), &[0, 0, READ, mine[refused], 1])?;
    works(Call::UnbindRun, (OWN, 0), &[0, mine[refused], 1])?;
    works(Call::UnbindRun, (OWN, CHILD), &[id.argument(), mine[0], 1])?;
    works(Call::BindRun, (0, CHILD), &[id.argument(), 1, READ, mine[0], 1])?;
    end(id)?;
    let left = mine.iter().filter(|&&frame| info::frame(frame).is_some_and(|it| it.binders != 0)).count();
    same("frames that are bound still", left, 0)?;
    mine.into_iter().try_for_each(|frame| works(Call::FreeRun, (OWN, 0), &[frame, 1]).map(drop))
}

fn frame_bomb(boot: &'static BootPage) -> Verdict {
    take_turns(boot)?;
    let (mut taken, mut from) = (Vec::new(), 0);
    while let Some(run) = info::free_runs(from).next() {
        let count = run.count.min(512);
        from = run.first + count;
        if ask(Call::AllocateRun, (OWN, 0), &[run.first, count]).code == 0 {
            taken.push((run.first, count));
        }
    }
    must("it took many", taken.len() > 16)?;
    exo_user::println!("took {} frames", taken.iter().map(|&(_, count)| count).sum::<u64>());
    taken.into_iter().try_for_each(|(first, count)| works(Call::FreeRun, (OWN, 0), &[first, count]).map(drop))
}

fn slice_bomb(boot: &'static BootPage) -> Verdict {
    take_turns(boot)?;
    let mut taken = Vec::new();
    while let Some(position) = free_slice(boot.cpu) {
        if ask(Call::SliceAllocate, (OWN, 0), &[boot.cpu.into(), position, 0, 0]).code == 0 {
            taken.push(position);
        }
        must("it ends", taken.len() < 4096)?;
    }
    exo_user::println!("took {} slices", taken.len());
    taken.into_iter().try_for_each(|at| works(Call::SliceFree, (OWN, 0), &[boot.cpu.into(), at]).map(drop))
}
