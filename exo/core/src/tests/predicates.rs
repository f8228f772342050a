//! Wakeup predicates: what is well formed, and what it comes to.

use super::script::A;
use super::steps::Step;
use super::world::with_world;
use crate::predicate::Predicate;
use exo_abi::call::Call;
use exo_abi::error::Error;
use exo_abi::wakeup::{Instruction, MAX_INSTRUCTIONS, MAX_STACK, operation};
use std::vec;
use std::vec::Vec;

fn program(words: &[(u64, u64)]) -> Vec<Instruction> {
    words.iter().map(|&(operation, operand)| Instruction { operation, operand }).collect()
}

fn is_well_formed(words: &[(u64, u64)]) -> bool {
    Predicate::new(&program(words)).is_some()
}

#[test]
fn stack_and_length_have_exact_limits() {
    let full = |depth: usize| [vec![(operation::CONSTANT, 1); depth], vec![(operation::ADD, 0); depth - 1]].concat();
    assert!(is_well_formed(&full(MAX_STACK)));
    // It would overfill the stack; that it is too long for one word to be left in the end refuses it as well.
    assert!(!is_well_formed(&full(MAX_STACK + 1)));
    assert!(!is_well_formed(&[(operation::CONSTANT, 1); MAX_STACK + 1]));
    assert!(!is_well_formed(&[]), "nothing is left on the stack");
    assert!(!is_well_formed(&[(operation::CONSTANT, 1); 2]), "two are left on the stack");
    assert!(!is_well_formed(&[(operation::CONSTANT, 1), (operation::ADD, 0)]), "it takes from an empty stack");
    let long = |length: usize| {
        let pair = [(operation::CLOCK, 0), (operation::OR, 0)];
        [vec![(operation::CONSTANT, 0)], pair.repeat((length - 1) / 2)].concat()
    };
    assert!(is_well_formed(&long(MAX_INSTRUCTIONS - 1)));
    assert!(!is_well_formed(&long(MAX_INSTRUCTIONS + 1)));
}

#[test]
fn operands_mean_something_or_are_zero() {
    assert!(is_well_formed(&[(operation::WORD, u64::MAX - 7)]));
    for bad in [(operation::WORD, 4), (operation::CLOCK, 1), (operation::LESS_OR_EQUAL + 1, 0), (u64::MAX, 0)] {
        assert!(!is_well_formed(&[bad]), "{bad:?}");
    }
    assert!(!is_well_formed(&[(operation::CONSTANT, 1), (operation::CONSTANT, 1), (operation::ADD, 1)]));
}

#[test]
fn operations_do_what_their_names_say() {
    use operation::{ADD, AND, CONSTANT, EQUAL, EXCLUSIVE_OR, LESS, LESS_OR_EQUAL, NOT_EQUAL, OR, SUBTRACT};
    with_world(|world| {
        for (operation, first, second, result) in [
            (ADD, u64::MAX, 2, 1),
            (SUBTRACT, 1, 2, u64::MAX),
            (AND, 6, 3, 2),
            (OR, 6, 3, 7),
            (EXCLUSIVE_OR, 6, 3, 5),
            (EQUAL, 5, 5, 1),
            (NOT_EQUAL, 5, 5, 0),
            (LESS, 5, 6, 1),
            (LESS, 6, 5, 0),
            (LESS_OR_EQUAL, 5, 5, 1),
            (LESS_OR_EQUAL, 6, 5, 0),
        ] {
            let holds = |expected| {
                let words = [(CONSTANT, first), (CONSTANT, second), (operation, 0), (CONSTANT, expected), (EQUAL, 0)];
                Predicate::new(&program(&words)).unwrap()
            };
            assert!(holds(result).holds(&mut world.machine, A), "operation {operation} of {first} and {second}");
            assert!(!holds(result ^ 1).holds(&mut world.machine, A));
        }
    });
}

#[test]
fn a_predicate_sleeps_until_its_word_is_not_zero_or_is_lost() {
    with_world(|world| {
        let frames = world.frames_of(A);
        let word = frames[1] * 4096;
        let sleep = |world: &mut super::world::World<'_>| {
            let memory = Some((frames[0] * 4096, vec![operation::WORD, word]));
            world.ask_with(A, Call::BlockOn, (0, 0), &[frames[0] * 4096, 1], memory)
        };
        assert_eq!(sleep(world), Ok(0));
        assert!(!world.core.is_awake(&mut world.machine, A, 0));
        world.play(&Step::Touch { id: A, vcpu: 1, frame: frames[1], rights: 2, leaves: 0 });
        assert!(!world.core.is_awake(&mut world.machine, A, 0), "a zero was written");
        world.loosen(A, (frames[1], 1));
        assert!(world.core.is_awake(&mut world.machine, A, 0), "the word cannot be read any more");
        world.model.awake(A, 0);
        assert_eq!(sleep(world), Err((Error::NotBound, frames[1])));
        // An empty program at an address that is nowhere.
        assert_eq!(world.ask(A, Call::BlockOn, (0, 0), &[1 << 63, 0]), Err((Error::BadPredicate, 0)));
    });
}
