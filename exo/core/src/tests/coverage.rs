//! The sequences, and that they reach what the call table describes.

use super::choices::Choices;
use super::sequences::run;
use super::steps::Outcomes;
use super::world::with_world;
use exo_abi::call::Call;
use exo_abi::error::Error;
use std::vec::Vec;
use std::{env, format, thread};

/// Steps of one sequence: in longer ones, most environments are dead or have nothing left to try.
const LENGTH: u64 = 400;
const STEPS: u64 = 300_000;
const FIRST_SEED: u64 = 1;

/// States that are hard to come by, and where mistakes are.
const DEEP: [&str; 34] = [
    "a run is given",
    "a count is given",
    "a slice is given",
    "a run is forced",
    "a count is forced",
    "a slice is forced",
    "a claim is cancelled",
    "a claim is displaced",
    "a part is given",
    "force finds less than is left",
    "a credential takes bindings with it",
    "an owner takes a binding",
    "a guarantee passes a dead parent",
    "somebody dies to whom frames are promised",
    "somebody dies with many frames",
    "an orphan is forgotten",
    "the dead are bound elsewhere",
    "an owner finds its own bytes",
    "what was promised is taken",
    "only those who lost their slices can run",
    "a slice is lost",
    "somebody else has what was overrun",
    "a predicate can no longer be read",
    "a predicate wakes",
    "a predicate sleeps",
    "the shortcut is taken",
    "a callee calls on",
    "a slice is for somebody who serves",
    "a message that was sent is taken",
    "a call expires",
    "a callee ends",
    "a caller ends",
    "a gate is closed while it serves",
    "input comes to somebody who knows",
];

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

fn sequence(seed: u64, steps: u64) -> Outcomes {
    let mut outcomes = Outcomes::default();
    with_world(|world| run(world, &mut Choices::Seed(seed), steps, &mut outcomes));
    outcomes
}

/// `RAVELIN_SEED` plays one sequence again; `RAVELIN_STEPS` says how many steps there are, of that or of all.
#[test]
fn hostile_sequences_agree_with_the_model() {
    let steps = number("RAVELIN_STEPS");
    if let Some(seed) = number("RAVELIN_SEED") {
        sequence(seed, steps.unwrap_or(LENGTH));
        return;
    }
    let seeds: Vec<u64> = (FIRST_SEED..FIRST_SEED + steps.unwrap_or(STEPS).div_ceil(LENGTH)).collect();
    let threads = thread::available_parallelism().map_or(1, |count| count.get());
    let shares = seeds.chunks(seeds.len().div_ceil(threads));
    let outcomes = thread::scope(|scope| {
        let play = |seeds: &[u64]| seeds.iter().map(|&seed| sequence(seed, LENGTH)).collect::<Vec<_>>();
        let players: Vec<_> = shares.map(|seeds| scope.spawn(move || play(seeds))).collect();
        players.into_iter().flat_map(|player| player.join().expect("every sequence agrees")).collect::<Vec<_>>()
    });
    let mut all = Outcomes::default();
    for one in outcomes {
        one.calls.into_iter().for_each(|(outcome, times)| *all.calls.entry(outcome).or_insert(0) += times);
        one.seen.into_iter().for_each(|(what, times)| *all.seen.entry(what).or_insert(0) += times);
    }
    if seeds.len() as u64 * LENGTH >= STEPS {
        check_coverage(&all);
    }
}

/// Every call succeeded, every error that the table gives for a call occurred, and no other.
fn check_coverage(outcomes: &Outcomes) {
    let mut missing = Vec::new();
    for &call in Call::ALL {
        let number = call as u64;
        let common = [Error::UnknownCall, Error::BadArgument];
        let expected = call.description().errors;
        if !outcomes.calls.contains_key(&(number, 0)) {
            missing.push(format!("{call:?} never succeeds"));
        }
        for &error in expected {
            if !outcomes.calls.contains_key(&(number, error.number())) {
                missing.push(format!("{call:?} never gives {error:?}"));
            }
        }
        for error in outcomes.calls.keys().filter(|key| key.0 == number && key.1 != 0).map(|key| key.1) {
            let error = Error::from_number(error).expect("one of the table");
            if !expected.contains(&error) && !common.contains(&error) {
                missing.push(format!("{call:?} gives {error:?}, and the table does not say so"));
            }
        }
    }
    for what in DEEP.iter().filter(|what| outcomes.seen.get(**what).is_none_or(|&times| times < 5)) {
        missing.push(format!("hardly ever: {what}"));
    }
    assert!(missing.is_empty(), "{missing:#?}\n{:#?}", outcomes.seen);
}
