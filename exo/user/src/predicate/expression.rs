//! Expressions, each a type of its own, so that their length and depth are known at compile time.

use core::marker::PhantomData;
use core::sync::atomic::AtomicU64;
use exo_abi::wakeup::operation;

/// An expression that is a 64-bit number.
#[derive(Clone, Copy, Debug)]
pub enum Number {}
/// An expression that is true or false.
#[derive(Clone, Copy, Debug)]
pub enum Truth {}

/// What a predicate is made of.
pub trait Expression: Copy {
    /// [`Number`] or [`Truth`].
    type Kind;
    /// Instructions.
    const LENGTH: usize;
    /// Words on the stack at the worst moment.
    const DEPTH: usize;

    /// Gives `instruction` each operation and operand in order.
    fn emit(&self, instruction: &mut impl FnMut(u64, u64));

    /// Both.
    fn and<R: Expression<Kind = Truth>>(self, right: R) -> Binary<Self, R, And, Truth>
    where
        Self: Expression<Kind = Truth>,
    {
        Binary::new(self, right)
    }

    /// One of them or both.
    fn or<R: Expression<Kind = Truth>>(self, right: R) -> Binary<Self, R, Or, Truth>
    where
        Self: Expression<Kind = Truth>,
    {
        Binary::new(self, right)
    }
}

/// What an instruction with two operands does.
pub trait Operator: Copy {
    /// One of [`operation`].
    const OPERATION: u64;
}

/// Two expressions and what becomes of them.
#[derive(Clone, Copy, Debug)]
pub struct Binary<L, R, O, K> {
    left: L,
    right: R,
    kind: PhantomData<(O, K)>,
}

impl<L, R, O, K> Binary<L, R, O, K> {
    const fn new(left: L, right: R) -> Self {
        Self { left, right, kind: PhantomData }
    }
}

const fn larger(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}

impl<L: Expression, R: Expression, O: Operator, K: Copy> Expression for Binary<L, R, O, K> {
    type Kind = K;
    const LENGTH: usize = L::LENGTH + R::LENGTH + 1;
    // The left value waits on the stack while the right one is worked out.
    const DEPTH: usize = larger(L::DEPTH, R::DEPTH + 1);

    fn emit(&self, instruction: &mut impl FnMut(u64, u64)) {
        self.left.emit(instruction);
        self.right.emit(instruction);
        instruction(O::OPERATION, 0);
    }
}

macro_rules! leaf {
    ($name:ident, $self:ident => $operation:ident, $operand:expr) => {
        impl Expression for $name {
            type Kind = Number;
            const LENGTH: usize = 1;
            const DEPTH: usize = 1;

            fn emit(&$self, instruction: &mut impl FnMut(u64, u64)) {
                instruction(operation::$operation, $operand);
            }
        }
    };
}

/// A number.
#[derive(Clone, Copy, Debug)]
pub struct Constant(u64);
leaf!(Constant, self => CONSTANT, self.0);

/// A word in memory.
#[derive(Clone, Copy, Debug)]
pub struct Word(u64);
leaf!(Word, self => WORD, self.0);

/// The time-stamp counter.
#[derive(Clone, Copy, Debug)]
pub struct Clock;
leaf!(Clock, self => CLOCK, 0);

/// A number.
#[must_use]
pub const fn constant(value: u64) -> Constant {
    Constant(value)
}

/// The word at a physical address, a multiple of 8, in a frame that the environment can read.
#[must_use]
pub const fn word(physical: u64) -> Word {
    Word(physical)
}

/// A word of the environment's own memory; `None` where it is not mapped. The kernel reads it whenever it looks.
#[must_use]
pub fn word_of(place: &AtomicU64) -> Option<Word> {
    crate::page_table::translate(place.as_ptr() as u64).map(Word)
}

/// The time-stamp counter.
#[must_use]
pub const fn clock() -> Clock {
    Clock
}

/// The operators: with two numbers they make what the method's name says.
macro_rules! operators {
    ($($(#[$doc:meta])* $name:ident $method:ident $operation:ident $kind:ident;)*) => {
        $(#[doc = concat!("[`operation::", stringify!($operation), "`].")]
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl Operator for $name {
            const OPERATION: u64 = operation::$operation;
        })*

        /// What can be made of two numbers.
        pub trait Arithmetic: Expression<Kind = Number> {
            $($(#[$doc])*
            fn $method<R: Expression<Kind = Number>>(self, right: R) -> Binary<Self, R, $name, $kind> {
                Binary::new(self, right)
            })*
        }

        impl<E: Expression<Kind = Number>> Arithmetic for E {}
    };
}

operators! {
    /// The sum, modulo 2^64.
    Add plus ADD Number;
    /// The difference, modulo 2^64.
    Subtract minus SUBTRACT Number;
    /// Bits set in both.
    And bits_and AND Number;
    /// Bits set in either.
    Or bits_or OR Number;
    /// Bits set in one of them.
    ExclusiveOr bits_exclusive_or EXCLUSIVE_OR Number;
    /// Whether they are equal.
    Equal equal EQUAL Truth;
    /// Whether they are not equal.
    NotEqual not_equal NOT_EQUAL Truth;
    /// Whether the first is less, as unsigned numbers.
    Less less LESS Truth;
    /// Whether the first is less or equal, as unsigned numbers.
    LessOrEqual less_or_equal LESS_OR_EQUAL Truth;
}
