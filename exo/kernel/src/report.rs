//! What the log says of an environment's end.

use core::fmt;
use exo_abi::counters::EXIT_REASONS;
use exo_core::EnvironmentId;
use hv::addr::{GuestPhysical, GuestVirtual};
use hv::trace::Trace;
use hv::vmx::exit::reason_name;
use hv::vmx::vmcs::Failure;

/// Why the kernel ended an environment. All are the environment's own doing, but for the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An exception while a double fault was being delivered.
    TripleFault,
    /// An access to memory that the environment does not hold.
    EptViolation {
        /// What it touched.
        at: GuestPhysical,
        /// By which address, where the CPU says.
        linear: Option<GuestVirtual>,
        /// What it tried: "read", "write" or "execute".
        access: &'static str,
    },
    /// HLT with interrupts off: nothing could ever wake it.
    HaltedForEver,
    /// Its own state is one that the CPU does not enter.
    EntryFailed {
        /// The rule that is broken, as far as the checker knows it.
        rule: &'static str,
    },
    /// An exit that has no meaning here.
    Unexpected {
        /// The basic exit reason.
        reason: u16,
    },
    /// Its metadata reserve was used up before its virtual CPU could be made.
    ReserveEmpty,
    /// The CPU that should have run it takes no part.
    NoCpu,
    /// The CPU refuses the kernel's part of the VMCS.
    Refused(Failure, &'static str),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TripleFault => f.write_str("triple fault"),
            Self::EptViolation { at, linear, access } => {
                write!(f, "EPT violation: {access} of {at}")?;
                linear.map_or(Ok(()), |linear| write!(f, " at linear address {linear}"))
            }
            Self::HaltedForEver => f.write_str("halted with interrupts off"),
            Self::EntryFailed { rule } => write!(f, "VM entry failed: {rule}"),
            Self::Unexpected { reason } => write!(f, "unexpected exit: {}", reason_name(reason)),
            Self::ReserveEmpty => f.write_str("its metadata reserve does not suffice for its virtual CPU"),
            Self::NoCpu => f.write_str("its CPU takes no part"),
            Self::Refused(failure, rule) => write!(f, "VM entry refused: {failure}; {rule}"),
        }
    }
}

/// How an environment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By its own call, with this status.
    Exited(u32),
    /// By the kernel.
    Killed(Reason),
}

/// A name as one word of a log line: one with spaces in it must not read like more words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'n>(pub(crate) &'n str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        // No name holds a quote or a backslash.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.bytes().all(plain) { f.write_str(name) } else { write!(f, "\"{name}\"") }
    }
}

/// How an environment ended, and where, as the log says it: `None` where somebody else has ended it.
struct Outcome(Option<(End, u64)>);

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((End::Exited(status), _)) => write!(f, "outcome=exited status={status}"),
            Some((End::Killed(reason), rip)) => write!(f, "outcome=killed reason=\"{reason}\" rip={rip:#x}"),
            None => f.write_str("outcome=destroyed"),
        }
    }
}

/// Prints the end of an environment of the manifest and its exits by reason.
pub(crate) fn print(name: &str, id: EnvironmentId, end: Option<(End, u64)>, exits: &[u64; EXIT_REASONS]) {
    let (name, total) = (Word(name), exits.iter().sum::<u64>());
    log::info!("end name={name} id={id} {} exits={total}", Outcome(end));
    for (reason, &count) in (0..).zip(exits).filter(|&(_, &count)| count != 0) {
        log::info!("exits name={name} reason=\"{}\" count={count}", reason_name(reason));
    }
}

/// Prints the end of an environment that another one made. What that one calls it is not for the log.
pub(crate) fn print_child(id: EnvironmentId, end: Option<(End, u64)>, exits: &[u64; EXIT_REASONS]) {
    log::info!("child-end id={id} {} exits={}", Outcome(end), exits.iter().sum::<u64>());
}

/// Prints the last exits of the virtual CPU that ended its environment, where it was killed or `trace` asks for them.
pub(crate) fn print_last(name: &str, end: &End, last: &Trace, trace: bool) {
    if !trace && !matches!(end, End::Killed(_)) {
        return;
    }
    let name = Word(name);
    for entry in last.newest_first() {
        let basic = u16::try_from(entry.reason & 0xffff).unwrap_or(0);
        log::info!(
            "last-exit name={name} reason=\"{}\" qualification={:#x} rip={:#x} ticks={}",
            reason_name(basic),
            entry.qualification,
            entry.rip,
            entry.ticks
        );
    }
}
