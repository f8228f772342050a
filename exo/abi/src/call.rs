//! The one table of calls.
//!
//! A call is a `VMCALL` from guest ring 0: number in rax, arguments in rdi rsi rdx r10 r8 r9. On return rax is
//! zero or an [`Error`](crate::error::Error) code and rdx the value; every other register is preserved.

macro_rules! calls {
    ($($(#[$doc:meta])* $number:literal $name:ident ($($argument:ident),*);)*) => {
        /// Every call the kernel knows, by number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u64)]
        pub enum Call { $($(#[$doc])* $name = $number,)* }

        impl Call {
            /// All calls in table order.
            pub const ALL: &[Call] = &[$(Call::$name),*];

            /// The call with this number, if there is one.
            #[must_use]
            pub const fn from_number(number: u64) -> Option<Call> {
                match number { $($number => Some(Call::$name),)* _ => None }
            }

            /// The table's name of this call.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Call::$name => stringify!($name),)* }
            }

            /// The names of this call's arguments, in register order.
            #[must_use]
            pub const fn arguments(self) -> &'static [&'static str] {
                match self { $(Call::$name => &[$(stringify!($argument)),*],)* }
            }
        }
    };
}

calls! {
    /// Does nothing: the price of entering the kernel.
    0 Null();
    /// Ends the environment; the low 32 bits of `status` are reported. Does not return.
    1 Exit(status);
    /// Writes bytes to the environment's console. `stream` is 1 (output) or 2 (errors); `physical` and `length`
    /// name guest memory that the caller owns, at most [`CONSOLE_WRITE_MAX`] bytes. Value: bytes written.
    2 ConsoleWrite(stream, physical, length);
    /// Takes what has been typed, at most `length` bytes (and at most [`CONSOLE_READ_MAX`]), into memory that the caller
    /// owns, without waiting.
    /// Value: bytes read, 0 where nothing waits.
    3 ConsoleRead(physical, length);
    /// Gives up the rest of the slice.
    4 Yield();
    /// Asks for an interrupt on `vector` (32..=255) at the beginning of each slice; 0 stops it.
    5 SetUpcall(vector);
    /// Says what becomes of an access to memory that the environment does not hold: with 1 it reaches vector
    /// [`FAULT_VECTOR`](crate::fault_page::FAULT_VECTOR) with the fault page, with 0, as at first, it ends the environment.
    6 SetFaultDelivery(on);
}

/// Most bytes that one [`Call::ConsoleWrite`] takes.
pub const CONSOLE_WRITE_MAX: u64 = 4096;

/// Most bytes that one [`Call::ConsoleRead`] takes.
pub const CONSOLE_READ_MAX: u64 = 4096;
