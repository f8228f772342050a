//! What a refusal leaves behind: nothing.

use super::bombs::{end, take_turns};
use super::{Case, EXITS, Verdict};
use crate::kit::list::List;
use crate::kit::{OWN, ask, fails, must, same, take_run, works};
use alloc::string::String;
use alloc::vec::Vec;
use exo_user::EnvironmentId;
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights::{ALL, READ};
use exo_user::abi::error::Error;

pub const CASES: &[Case] = &[Case::new(
    "vcpu-refused",
    EXITS,
    vcpu_refused,
    "asks for virtual CPUs that the child's reserve does not suffice for",
)];

/// Frames that one EPT table of the lowest level covers.
const TABLE: u64 = 512;
/// Frames of reserve that a virtual CPU takes, and no table.
const VCPU: usize = 8;

/// Single frames for this environment, each of which an EPT needs a table of its own for, in ascending order.
fn far_apart(below: u64, count: usize) -> Result<Vec<u64>, String> {
    let mut frames: Vec<u64> = (1..below / TABLE)
        .rev()
        .filter_map(|table| {
            let frame = table * TABLE + 7;
            (ask(Call::AllocateRun, (OWN, 0), &[frame, 1]).code == 0).then_some(frame)
        })
        .take(count)
        .collect();
    frames.reverse();
    if frames.len() == count { Ok(frames) } else { Err("memory is too small".into()) }
}

fn create(list: &List, runs: &[(u64, u64)]) -> Result<EnvironmentId, String> {
    // Those of one that has ended are free.
    for &(first, count) in runs {
        ask(Call::AllocateRun, (OWN, 0), &[first, count]);
    }
    list.write(runs);
    works(Call::EnvironmentCreate, (OWN, 0), &[list.physical(), runs.len() as u64]).map(EnvironmentId::from_value)
}

/// How many of these frames can be bound in a child before its reserve is used up.
fn bindable(child: EnvironmentId, frames: &[u64]) -> Result<usize, String> {
    works(Call::CapabilityGrant, (OWN, OWN), &[child.argument(), 1, ALL])?;
    let bind = |&&frame: &&u64| ask(Call::BindRun, (0, OWN), &[child.argument(), 1, READ, frame, 1]).code == 0;
    Ok(frames.iter().take_while(bind).count())
}

fn vcpu_refused(boot: &'static BootPage) -> Verdict {
    const TARGETS: usize = VCPU + 6;
    take_turns(boot)?;
    let list = List::new(&[])?;
    let block = take_run(64)?;
    let mut least = 1;
    end(loop {
        if let Ok(child) = create(&list, &[(block, least)]) {
            break child;
        }
        least += 1;
        must("64 frames suffice for an environment", least <= 64)?;
    })?;
    let far = far_apart(block, TARGETS + VCPU + 6)?;
    let (targets, single) = far.split_at(TARGETS);
    // What is beside the least is taken last, and each page of it would be shown by a table of its own.
    for beside in VCPU - 1..=VCPU + 5 {
        let runs: Vec<_> = single[..beside].iter().map(|&frame| (frame, 1)).chain([(block, least)]).collect();
        let child = || create(&list, &runs);
        let untouched = child()?;
        same("bindings", bindable(untouched, targets)?, beside)?;
        end(untouched)?;
        let asked = child()?;
        let arguments = [asked.argument(), boot.cpu.into(), 0, 0, 0];
        if beside >= VCPU + 3 {
            works(Call::VcpuCreate, (OWN, 0), &arguments)?;
            same("bindings beside the virtual CPU", bindable(asked, targets)?, beside - VCPU - 3)?;
        } else {
            for _ in 0..3 {
                fails(Call::VcpuCreate, (OWN, 0), &arguments, Error::ReserveEmpty)?;
            }
            same("bindings after three refusals", bindable(asked, targets)?, beside)?;
        }
        end(asked)?;
    }
    targets.iter().try_for_each(|&frame| works(Call::FreeRun, (OWN, 0), &[frame, 1]).map(drop))
}
