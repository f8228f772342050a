//! Why a call failed: one pinned number for each reason, and each says which side is at fault.

macro_rules! errors {
    ($(#[doc = $doc:literal] $number:literal $name:ident $text:literal;)*) => {
        /// A call's failure. The numbers never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u64)]
        pub enum Error { $(#[doc = $doc] $name = $number,)* }

        impl Error {
            /// All errors in table order.
            pub const ALL: &[Error] = &[$(Error::$name),*];

            /// The error with this number, if there is one.
            #[must_use]
            pub const fn from_number(number: u64) -> Option<Error> {
                match number { $($number => Some(Error::$name),)* _ => None }
            }

            /// Whose fault it is, and why.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Error::$name => $doc.trim_ascii_start(),)* }
            }

            /// The number that rax carries.
            #[must_use]
            pub const fn number(self) -> u64 { self as u64 }
        }

        impl core::fmt::Display for Error {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(match self { $(Error::$name => $text,)* })
            }
        }
    };
}

errors! {
    /// Caller: rax names no call.
    1 UnknownCall "no call has this number";
    /// Caller: a value outside what the argument allows.
    2 BadArgument "an argument is outside its range";
    /// Caller: a memory argument names memory that the caller cannot read, or for a result cannot write.
    3 NotBound "a memory argument names memory that the caller does not hold";
    /// Caller: more than the call's maximum, or a range that wraps the address space.
    4 TooLong "a length is above the call's maximum or wraps";
    /// Caller: the slot of a credential holds no capability.
    5 BadSlot "a slot holds no capability";
    /// Caller: the credential does not dominate the guard, or has not the right.
    6 Underprivileged "the credential does not allow this";
    /// Caller: the slot is in use.
    7 SlotTaken "the slot is in use";
    /// Caller: the name would have more than 15 bytes.
    8 NameTooLong "the name would be too long";
    /// Caller: nobody has this name, or not any more.
    9 NoSuchEnvironment "no environment has this name";
    /// Caller: the environment's state does not allow this.
    10 WrongState "the environment's state does not allow this";
    /// Caller: no frame that can ever be given out has this number.
    11 NoSuchFrame "no such frame can be had";
    /// Caller: the frame is not free, or promised to somebody else.
    12 FrameTaken "a frame is not free";
    /// Caller: the frame has no owner.
    13 FrameFree "a frame has no owner";
    /// Caller: the frame is another environment's.
    14 FrameForeign "a frame is another environment's";
    /// Caller: the frame is bound somewhere.
    15 FrameBound "a frame is bound somewhere";
    /// Caller: a device may reach the frame.
    16 FramePinned "a device may reach a frame";
    /// Caller: the environment has a binding of the frame.
    17 AlreadyBound "a frame is bound there already";
    /// Caller: the environment has no binding of the frame.
    18 FrameNotBound "a frame is not bound there";
    /// Caller: no such combination of rights can be bound on this machine.
    19 BadRights "no binding can have these rights";
    /// Environment: its metadata reserve does not suffice.
    20 ReserveEmpty "the metadata reserve does not suffice";
    /// Caller: the machine has no such CPU.
    21 NoSuchCpu "the machine has no such CPU";
    /// Caller: the vector has no such position.
    22 NoSuchSlice "the slice vector has no such position";
    /// Caller: the position is not free, or promised to somebody else.
    23 SliceTaken "the slice is not free";
    /// Caller: the position is another environment's, or nobody's.
    24 SliceForeign "the slice is another environment's";
    /// Caller: the environment has no such virtual CPU on that CPU.
    25 NoSuchVcpu "the environment has no such virtual CPU there";
    /// Caller: the environment has as many virtual CPUs as it can have.
    26 TooManyVcpus "the environment has all its virtual CPUs";
    /// Kernel: no place is left in the table of environments.
    27 TableFull "the table of environments is full";
    /// Caller: it cannot run now: it is blocked, stopped or not here.
    28 NotRunnable "the virtual CPU cannot run now";
    /// Caller: the program is not one that the kernel evaluates.
    29 BadPredicate "the wakeup predicate is not well formed";
    /// Caller: more than the guarantee has left for this; rdx is how many would do.
    30 GuaranteeExceeded "more than the guarantee";
    /// Caller: it is not below its guarantee, and its credential does not dominate the victim.
    31 NotEntitled "the caller may not claim this";
    /// Victim: it would fall below its guarantee, or the frame is in its guaranteed set.
    32 VictimGuaranteed "the victim keeps what is guaranteed to it";
    /// Caller or victim: one claim at a time; beyond its guarantee a caller takes promises first; what is claimed stays in reach.
    33 ClaimPending "a claim is under way, or a promise not yet taken";
    /// Caller: a list's runs overlap or are not in ascending order.
    34 NotAscending "a list is not in ascending order";
    /// Caller: nothing is bound in the gate slot, or the virtual CPU is no gate.
    35 NoSuchGate "there is no such gate";
    /// Caller: the virtual CPU is a gate already.
    36 GateTaken "the virtual CPU is a gate already";
    /// Caller: the gate's virtual CPU is on another CPU: it can only be sent to.
    37 GateElsewhere "the gate is on another CPU";
    /// Callee: its environment is stopped.
    38 GateStopped "the gate's environment is stopped";
    /// Callee: the gate serves somebody, does not wait, or a message lies there.
    39 GateBusy "the gate is busy";
    /// Callee: it ended before it replied.
    40 CalleeEnded "the callee ended before it replied";
    /// Callee: it had not replied when the caller's limit was reached.
    41 CallExpired "the reply did not come in time";
    /// Callee: its environment has given the call up.
    42 CallRefused "the callee has given the call up";
    /// Caller: nobody has called the virtual CPU.
    43 NotServing "the virtual CPU serves nobody";
}

impl core::error::Error for Error {}
