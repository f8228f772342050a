use super::{Arithmetic, Expression, Predicate, clock, constant, word};
use exo_abi::wakeup::operation::{
    ADD, AND, CLOCK, CONSTANT, EQUAL, LESS, LESS_OR_EQUAL, NOT_EQUAL, OR, SUBTRACT, WORD,
};
use std::vec::Vec;

fn listed(predicate: &Predicate) -> Vec<(u64, u64)> {
    predicate.instructions().iter().map(|one| (one.operation, one.operand)).collect()
}

#[test]
fn operands_come_before_what_is_done_with_them_first_one_first() {
    let predicate = Predicate::new(word(0x1000).minus(word(0x1008)).less(constant(5)));
    assert_eq!(listed(&predicate), [(WORD, 0x1000), (WORD, 0x1008), (SUBTRACT, 0), (CONSTANT, 5), (LESS, 0)]);
}

#[test]
fn truths_are_joined() {
    let arrived = word(8).bits_and(constant(1)).not_equal(constant(0));
    let late = constant(100).less_or_equal(clock());
    let nothing = word(16).plus(word(24)).equal(constant(0));
    let expected = [
        [(WORD, 8), (CONSTANT, 1), (AND, 0), (CONSTANT, 0), (NOT_EQUAL, 0)].as_slice(),
        &[(CONSTANT, 100), (CLOCK, 0), (LESS_OR_EQUAL, 0), (OR, 0)],
        &[(WORD, 16), (WORD, 24), (ADD, 0), (CONSTANT, 0), (EQUAL, 0), (AND, 0)],
    ];
    assert_eq!(listed(&Predicate::new(arrived.or(late).and(nothing))), expected.concat());
}

#[test]
fn depth_is_that_of_the_worst_moment() {
    fn depth<E: Expression>(_: E) -> usize {
        E::DEPTH
    }
    let pair = constant(1).plus(constant(2));
    assert_eq!(depth(pair), 2);
    assert_eq!(depth(pair.plus(pair)), 3);
    assert_eq!(depth(pair.plus(pair).plus(constant(1))), 3);
    assert_eq!(depth(constant(1).plus(pair.plus(pair))), 4);
}

#[test]
fn a_predicate_never_crosses_a_page() {
    let predicate = Predicate::new(clock().less(constant(1)));
    let start = predicate.instructions().as_ptr() as usize;
    assert_eq!(start % 256, 0);
}
