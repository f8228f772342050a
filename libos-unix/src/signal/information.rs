//! What a signal says of itself: siginfo_t.

use super::Signal;

/// Values of si_code.
#[allow(missing_docs)] // the names are sigaction(2)'s
pub mod code {
    pub const USER: i32 = 0;
    pub const KERNEL: i32 = 0x80;
    pub const QUEUE: i32 = -1;
    pub const TIMER: i32 = -2;
    pub const TKILL: i32 = -6;
    pub const SEGV_MAPERR: i32 = 1;
    pub const SEGV_ACCERR: i32 = 2;
    pub const BUS_ADRALN: i32 = 1;
    pub const BUS_ADRERR: i32 = 2;
    pub const ILL_ILLOPN: i32 = 2;
    pub const FPE_INTDIV: i32 = 1;
    pub const FPE_INTOVF: i32 = 2;
    pub const FPE_FLTDIV: i32 = 3;
    pub const FPE_FLTOVF: i32 = 4;
    pub const FPE_FLTUND: i32 = 5;
    pub const FPE_FLTRES: i32 = 6;
    pub const FPE_FLTINV: i32 = 7;
    pub const TRAP_BRKPT: i32 = 1;
    pub const TRAP_TRACE: i32 = 2;
    pub const CLD_EXITED: i32 = 1;
    pub const CLD_KILLED: i32 = 2;
    pub const CLD_DUMPED: i32 = 3;
    pub const CLD_STOPPED: i32 = 5;
    pub const CLD_CONTINUED: i32 = 6;
}

/// siginfo_t without its padding: what is behind the three numbers depends on who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Information {
    /// The signal.
    pub signal: Signal,
    /// si_errno.
    pub error: i32,
    /// si_code.
    pub code: i32,
    /// What follows, in words: address; or process and user, then status or value; or timer and overrun, then value.
    pub fields: [u64; 3],
}

/// Two numbers in a word, the first in the lower half.
const fn pair(first: u32, second: u32) -> u64 {
    first as u64 | (second as u64) << 32
}

impl Information {
    /// Nothing but the signal itself, from the library OS.
    #[must_use]
    pub const fn kernel(signal: Signal) -> Self {
        Self { signal, error: 0, code: code::KERNEL, fields: [0; 3] }
    }

    /// Of an instruction.
    #[must_use]
    pub const fn fault(signal: Signal, code: i32, address: u64) -> Self {
        Self { signal, error: 0, code, fields: [address, 0, 0] }
    }

    /// From a process.
    #[must_use]
    pub const fn sent(signal: Signal, code: i32, process: u32, user: u32) -> Self {
        Self { signal, error: 0, code, fields: [pair(process, user), 0, 0] }
    }

    /// Of a child. `times` are its user and system time in ticks of a hundredth of a second.
    #[must_use]
    pub const fn child(code: i32, process: u32, user: u32, status: i32) -> Self {
        Self { signal: Signal::CHILD, error: 0, code, fields: [pair(process, user), status.cast_unsigned() as u64, 0] }
    }

    /// Of a timer.
    #[must_use]
    pub const fn timer(signal: Signal, timer: u32, overrun: u32, value: u64) -> Self {
        Self { signal, error: 0, code: code::TIMER, fields: [pair(timer, overrun), value, 0] }
    }

    /// As programs see it: 128 bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; 128] {
        let mut bytes = [0; 128];
        bytes[0..4].copy_from_slice(&u32::from(self.signal.number()).to_le_bytes());
        bytes[4..8].copy_from_slice(&self.error.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.code.to_le_bytes());
        for (place, field) in bytes[16..40].chunks_exact_mut(8).zip(self.fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// What a program wants sent, for `signal`.
    #[must_use]
    pub fn decode(signal: Signal, bytes: &[u8; 128]) -> Self {
        let word = |at: usize| bytes[at..].first_chunk().map_or(0, |&word| u64::from_le_bytes(word));
        let half = |at: usize| bytes[at..].first_chunk().map_or(0, |&half| i32::from_le_bytes(half));
        Self { signal, error: half(4), code: half(8), fields: [word(16), word(24), word(32)] }
    }
}
