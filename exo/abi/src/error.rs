//! Why a call failed: one pinned number for each reason, and each says which side is at fault.

macro_rules! errors {
    ($($(#[$doc:meta])* $number:literal $name:ident $text:literal;)*) => {
        /// A call's failure. The numbers never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u64)]
        pub enum Error { $($(#[$doc])* $name = $number,)* }

        impl Error {
            /// All errors in table order.
            pub const ALL: &[Error] = &[$(Error::$name),*];

            /// The error with this number, if there is one.
            #[must_use]
            pub const fn from_number(number: u64) -> Option<Error> {
                match number { $($number => Some(Error::$name),)* _ => None }
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
    /// Caller: a memory argument names frames that the caller does not hold.
    3 NotBound "a memory argument names frames that the caller does not hold";
    /// Caller: a length above the call's maximum, or one that wraps the address space.
    4 TooLong "a length is above the call's maximum or wraps";
}

impl core::error::Error for Error {}
