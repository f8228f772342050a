//! What hostile environments do next: mostly what could succeed in the state as it is, so that deep states come about; often that with
//! one thing wrong; sometimes anything.

mod arguments;
mod environments;
mod frames;
mod gates;
mod pick;

use super::choices::Choices;
use super::fake::FRAMES;
use super::model::{Id, Model, Wanted, Who};
use super::steps::Step;
use super::world::{NOBODY, SLICE_TICKS};
use arguments::Plan;
use exo_abi::info::environment_state;
use std::vec::Vec;

#[derive(Clone, Copy)]
enum Kind {
    Call,
    Touch,
    Time,
    SliceEnd,
    Expire,
    Gone,
    Deliver,
    Acknowledge,
    Kill,
    Type,
    Pin,
    Halt,
}

const KINDS: [(u64, Kind); 12] = [
    (400, Kind::Call),
    (60, Kind::Touch),
    (10, Kind::Time),
    (30, Kind::SliceEnd),
    (4, Kind::Expire),
    (16, Kind::Gone),
    (12, Kind::Deliver),
    (6, Kind::Acknowledge),
    (1, Kind::Kill),
    (2, Kind::Type),
    (5, Kind::Pin),
    (4, Kind::Halt),
];

/// How often each call comes; all others come with weight 2.
const WEIGHTS: [(u64, u64); 31] = [
    (8, 5),
    (10, 4),
    (11, 5),
    (12, 3),
    (13, 3),
    (14, 1),
    (15, 12),
    (16, 6),
    (17, 9),
    (18, 6),
    (19, 16),
    (20, 9),
    (21, 9),
    (22, 5),
    (28, 8),
    (29, 4),
    (31, 1),
    (32, 3),
    (34, 5),
    (35, 9),
    (37, 5),
    (38, 3),
    (40, 9),
    (41, 7),
    (42, 6),
    (44, 5),
    (45, 1),
    (46, 8),
    (48, 16),
    (49, 14),
    (50, 6),
];

pub(crate) fn generate(model: &Model, choices: &mut Choices<'_>) -> Step {
    let (id, vcpu) = somebody(model, choices);
    match choices.weighted(&KINDS) {
        Kind::Call => call(model, choices),
        Kind::Touch => {
            let bound = model.bindings.keys().filter(|key| key.0 == id).map(|key| key.1);
            let frame = choices.any(bound).filter(|_| !choices.once_in(8)).unwrap_or(choices.below(FRAMES));
            let rights = choices.one(&[1, 2, 3, 4]).unwrap_or(1);
            Step::Touch { id, vcpu, frame, rights, leaves: choices.below(256) as u8 }
        }
        Kind::Time => Step::Time(choices.below(SLICE_TICKS * 20)),
        Kind::SliceEnd => {
            let (cpu, ran) = (choices.below(2), choices.below(SLICE_TICKS * 2));
            let at = model.clocks.get(cpu as usize).map_or(0, |clock| clock.0);
            let owner = model.slices.get(&(cpu, at)).map(|slice| slice.owner).filter(|_| !choices.once_in(12));
            Step::SliceEnd { cpu, ran, overrun: choices.once_in(4).then_some(owner.unwrap_or(id)) }
        }
        Kind::Expire => Step::Expire,
        Kind::Gone => {
            let dying = model.environments.values().filter(|one| one.state == environment_state::DYING);
            let vcpus = dying.flat_map(|one| one.vcpus.keys().map(|vcpu| (one.id, *vcpu)));
            let (id, vcpu) = choices.any(vcpus).filter(|_| !choices.once_in(20)).unwrap_or((id, vcpu));
            Step::Gone { id, vcpu }
        }
        Kind::Deliver => Step::Deliver { id, vcpu },
        Kind::Acknowledge => Step::Acknowledge { id, vcpu, mask: choices.one(&[0, !0, 128, 4]).unwrap_or(0) },
        // Never two of the first three: the rest of the sequence would have nobody to do it.
        Kind::Kill => Step::Kill(if model.lives(FIRST) && model.lives(SECOND) { id } else { NOBODY }),
        Kind::Type => Step::Type(choices.below(64) as u8),
        Kind::Pin => {
            let asked = model.claims.iter().filter_map(|claim| match claim.wanted {
                Wanted::Run(first, _) => Some(first),
                _ => None,
            });
            let asked = choices.any(asked);
            Step::Pin { frame: asked.unwrap_or(choices.below(FRAMES)), on: asked.is_some() || choices.once_in(3) }
        }
        Kind::Halt => Step::Halt { id, vcpu, until: model.now + choices.below(SLICE_TICKS * 4) },
    }
}

const FIRST: Id = Id { index: 0, generation: 1 };
const SECOND: Id = Id { index: 1, generation: 1 };

/// Whoever has a virtual CPU, and rarely whoever has not.
fn somebody(model: &Model, choices: &mut Choices<'_>) -> (Id, u64) {
    let vcpus = model.environments.values().flat_map(|one| one.vcpus.keys().map(|vcpu| (one.id, *vcpu)));
    choices.any(vcpus).filter(|_| !choices.once_in(50)).unwrap_or((NOBODY, choices.below(9)))
}

fn call(model: &Model, choices: &mut Choices<'_>) -> Step {
    let running: Vec<Id> = model.everybody().into_iter().filter(|&id| model.runs(id)).collect();
    let vcpus = running.iter().flat_map(|&id| model.get(id)).flat_map(|one| one.vcpus.keys().map(|at| (one.id, *at)));
    let vcpus: Vec<Who> = vcpus.filter(|who| model.gates.executes(*who)).collect();
    let caller = choices.one(&vcpus).filter(|_| !choices.once_in(100));
    let (caller, vcpu) = caller.unwrap_or_else(|| somebody(model, choices));
    let mut weights: Vec<(u64, u64)> = (0..53).map(|number| (2, number)).collect();
    WEIGHTS.iter().for_each(|&(number, weight)| weights[number as usize].0 = weight);
    let number = gates::likely(model, choices, (caller, vcpu)).unwrap_or_else(|| choices.weighted(&weights));
    // An exit needs no argument; but who exits does nothing more. And somebody must be left who calls those that wait.
    let ends = number == 1 && !choices.once_in(6);
    if ends || number == 49 && vcpus.len() < 3 && model.gates.caller_of((caller, vcpu)).is_none() {
        return Step::Touch { id: caller, vcpu, frame: choices.below(FRAMES), rights: 2, leaves: 7 };
    }
    let mut plan = Plan::new(model, choices, caller, vcpu, number);
    if plan.choices.once_in(6) {
        plan.spoil();
    }
    let Plan { number, credential, second, arguments, memory, high, .. } = plan;
    let word = number | credential << 16 | second << 24 | high << 32;
    Step::Call { caller, vcpu, word, arguments, memory }
}
