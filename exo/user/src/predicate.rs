//! Wakeup predicates, written as expressions:
//!
//! ```
//! # fn example(place: u64, deadline: u64) -> exo_user::predicate::Predicate {
//! use exo_user::predicate::{Arithmetic, Expression, Predicate, clock, constant, word};
//! Predicate::new(word(place).not_equal(constant(0)).or(constant(deadline).less_or_equal(clock())))
//! # }
//! ```
//!
//! An expression that is too long or too deep for the kernel does not compile.

mod expression;
#[cfg(test)]
mod tests;

pub use expression::{
    Arithmetic, Binary, Clock, Constant, Expression, Number, Operator, Truth, Word, clock, constant, word, word_of,
};

use exo_abi::wakeup::{Instruction, MAX_INSTRUCTIONS, MAX_STACK};

/// A program for the kernel. It lies within one page wherever it is put.
#[derive(Clone, Copy, Debug)]
#[repr(align(256))]
pub struct Predicate {
    instructions: [Instruction; MAX_INSTRUCTIONS],
    length: usize,
}

const _: () = assert!(MAX_INSTRUCTIONS * size_of::<Instruction>() <= 256);

impl Predicate {
    /// The program of an expression that is true or false.
    #[must_use]
    pub fn new<E: Expression<Kind = Truth>>(expression: E) -> Self {
        const { assert!(E::LENGTH <= MAX_INSTRUCTIONS, "the expression is too long") };
        const { assert!(E::DEPTH <= MAX_STACK, "the expression is too deep") };
        let mut predicate = Self { instructions: [Instruction::default(); MAX_INSTRUCTIONS], length: 0 };
        expression.emit(&mut |operation, operand| {
            predicate.instructions[predicate.length] = Instruction { operation, operand };
            predicate.length += 1;
        });
        predicate
    }

    /// Its instructions.
    #[must_use]
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions[..self.length]
    }
}
