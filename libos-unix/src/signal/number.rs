//! Signals by number (signal(7)) and sets of them.

use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign, Not};

/// A signal, 1..=64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signal(u8);

/// What happens where nothing else was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// The process ends.
    End,
    /// The process ends and would leave a core dump.
    Dump,
    /// Nothing.
    Ignore,
    /// The process stops.
    Stop,
    /// The process goes on.
    Continue,
}

macro_rules! signals {
    ($($name:ident $number:literal $default:ident)*) => {
        impl Signal {
            $(#[allow(missing_docs)] pub const $name: Self = Self($number);)*

            /// What happens where nothing else was asked for.
            #[must_use]
            pub const fn default_action(self) -> DefaultAction {
                match self.0 {
                    $($number => DefaultAction::$default,)*
                    _ => DefaultAction::End,
                }
            }
        }
    };
}

signals! {
    HANGUP 1 End
    INTERRUPT 2 End
    QUIT 3 Dump
    ILLEGAL 4 Dump
    TRAP 5 Dump
    ABORT 6 Dump
    BUS 7 Dump
    ARITHMETIC 8 Dump
    KILL 9 End
    USER_1 10 End
    SEGMENT 11 Dump
    USER_2 12 End
    PIPE 13 End
    ALARM 14 End
    TERMINATE 15 End
    STACK 16 End
    CHILD 17 Ignore
    CONTINUE 18 Continue
    STOP 19 Stop
    TERMINAL_STOP 20 Stop
    TERMINAL_INPUT 21 Stop
    TERMINAL_OUTPUT 22 Stop
    URGENT 23 Ignore
    CPU_LIMIT 24 Dump
    FILE_LIMIT 25 Dump
    VIRTUAL_ALARM 26 End
    PROFILE 27 End
    WINDOW 28 Ignore
    IO 29 End
    POWER 30 End
    SYSTEM_CALL 31 Dump
}

impl Signal {
    /// The highest.
    pub const LAST: u8 = 64;
    /// From here on signals queue and carry values.
    pub const REAL_TIME: u8 = 32;

    /// The signal with a number.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number >= 1 && number <= Self::LAST as u64 { Some(Self(number as u8)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Where it is in arrays.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }

    /// Whether every one that is sent arrives.
    #[must_use]
    pub const fn queues(self) -> bool {
        self.0 >= Self::REAL_TIME
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signal {}", self.0)
    }
}

/// A set of signals, as sigset_t has it: bit 0 is signal 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalSet(pub u64);

impl SignalSet {
    /// None.
    pub const EMPTY: Self = Self(0);
    /// What nobody can block, ignore or catch.
    pub const UNSTOPPABLE: Self = Self::of(Signal::KILL).with(Signal::STOP);
    /// What stops a process.
    pub const STOPS: Self =
        Self::of(Signal::STOP).with(Signal::TERMINAL_STOP).with(Signal::TERMINAL_INPUT).with(Signal::TERMINAL_OUTPUT);
    /// What an instruction of the program itself causes.
    pub const SYNCHRONOUS: Self = Self::of(Signal::SEGMENT)
        .with(Signal::BUS)
        .with(Signal::ILLEGAL)
        .with(Signal::TRAP)
        .with(Signal::ARITHMETIC)
        .with(Signal::SYSTEM_CALL);

    /// One.
    #[must_use]
    pub const fn of(signal: Signal) -> Self {
        Self(1 << signal.index())
    }

    /// One more.
    #[must_use]
    pub const fn with(self, signal: Signal) -> Self {
        Self(self.0 | 1 << signal.index())
    }

    /// One less.
    #[must_use]
    pub const fn without(self, signal: Signal) -> Self {
        Self(self.0 & !(1 << signal.index()))
    }

    /// Whether it is in the set.
    #[must_use]
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & 1 << signal.index() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The lowest.
    #[must_use]
    pub const fn first(self) -> Option<Signal> {
        if self.0 == 0 { None } else { Some(Signal(self.0.trailing_zeros() as u8 + 1)) }
    }
}

impl BitAnd for SignalSet {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for SignalSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for SignalSet {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl Not for SignalSet {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0)
    }
}
