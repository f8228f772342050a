//! Wakeup predicates: an expression over words of the environment and the clock. While it is zero the virtual CPU is blocked.
//!
//! A program for a machine with a stack of 64-bit words and no jumps; the kernel checks it once, when it is given, and runs it
//! when the virtual CPU's turn comes.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Most instructions.
pub const MAX_INSTRUCTIONS: usize = 16;
/// Most words on the stack.
pub const MAX_STACK: usize = 8;

/// One instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Instruction {
    /// One of [`operation`].
    pub operation: u64,
    /// For [`operation::CONSTANT`] the value, for [`operation::WORD`] the physical address, else 0.
    pub operand: u64,
}

/// What an instruction does. All but the first three take two words, the first pushed first, and push one.
pub mod operation {
    /// Pushes the operand.
    pub const CONSTANT: u64 = 0;
    /// Pushes the word at a physical address, a multiple of 8, in a frame that the environment can read. Once it no longer can,
    /// the predicate counts as true.
    pub const WORD: u64 = 1;
    /// Pushes the time-stamp counter.
    pub const CLOCK: u64 = 2;
    /// The sum, modulo 2^64.
    pub const ADD: u64 = 3;
    /// The difference, modulo 2^64.
    pub const SUBTRACT: u64 = 4;
    /// Bits set in both.
    pub const AND: u64 = 5;
    /// Bits set in either.
    pub const OR: u64 = 6;
    /// Bits set in one of them.
    pub const EXCLUSIVE_OR: u64 = 7;
    /// 1 where they are equal, else 0.
    pub const EQUAL: u64 = 8;
    /// 1 where they are not equal, else 0.
    pub const NOT_EQUAL: u64 = 9;
    /// 1 where the first is less, as unsigned numbers, else 0.
    pub const LESS: u64 = 10;
    /// 1 where the first is less or equal, as unsigned numbers, else 0.
    pub const LESS_OR_EQUAL: u64 = 11;
}
