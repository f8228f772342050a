//! Random sequences from hostile environments and their children, done to the core and to the model: answers and states agree, and
//! every invariant holds after every step.

use super::choices::Choices;
use super::generate::generate;
use super::steps::{Outcomes, Step};
use super::world::{World, with_world};
use std::collections::VecDeque;
use std::eprintln;

/// Says on a failure what led to it.
struct Trail {
    what: std::string::String,
    done: u64,
    last: VecDeque<Step>,
}

impl Drop for Trail {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} failed at step {}; the last steps:", self.what, self.done);
            self.last.iter().for_each(|step| eprintln!("  {step:x?}"));
        }
    }
}

pub(crate) fn run(world: &mut World<'_>, choices: &mut Choices<'_>, steps: u64, outcomes: &mut Outcomes) {
    let what = match choices {
        Choices::Seed(seed) => std::format!("RAVELIN_SEED={seed} RAVELIN_STEPS={steps}"),
        Choices::Bytes(bytes) => std::format!("a sequence from {} bytes", bytes.len()),
    };
    let mut trail = Trail { what, done: 0, last: VecDeque::new() };
    while trail.done < steps && !choices.is_over() {
        let step = generate(&world.model, choices);
        if trail.last.len() == 16 {
            trail.last.pop_front();
        }
        trail.last.push_back(step.clone());
        trail.done += 1;
        world.step(&step, outcomes);
        world.check(trail.done.is_multiple_of(16));
    }
    world.check(true);
    for (what, times) in core::mem::take(&mut world.model.seen) {
        *outcomes.seen.entry(what).or_insert(0) += times;
    }
}

/// A sequence whose every decision comes from these bytes: for fuzzers.
pub fn run_bytes(bytes: &[u8]) {
    with_world(|world| run(world, &mut Choices::Bytes(bytes), 4096, &mut Outcomes::default()));
}

/// Raw calls in a world that just booted, each 56 bytes: rax and six arguments, as a guest would have them. For fuzzers.
pub fn run_raw_calls(bytes: &[u8]) {
    with_world(|world| {
        for registers in bytes.chunks_exact(56) {
            let mut words = registers
                .chunks_exact(8)
                .map(|word| word.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)));
            let word = words.next().unwrap_or(0);
            let mut arguments = [0; 6];
            arguments.iter_mut().zip(words).for_each(|(argument, word)| *argument = word);
            let Some(caller) = world.model.everybody().into_iter().find(|&id| world.model.runs(id)) else { return };
            world.call(caller, 0, word, arguments, None);
            world.check(false);
        }
    });
}
