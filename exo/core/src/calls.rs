//! The calls of `exo/abi`, decoded in one place.
//!
//! Every handler is a column of checks and then changes that cannot fail. Memory arguments are physical: the caller must hold each
//! frame of one before a byte moves, and each byte is read once.

mod basic;
mod binding;
mod capability;
mod cpu;
mod environment;
mod frames;
mod gate;
mod memory;

use crate::capability::Capability;
use crate::environment::EnvironmentId;
use crate::machine::Machine;
use crate::state::Core;
use exo_abi::call::Request;
use exo_abi::capability::{Name, rights};
use exo_abi::error::Error;

/// What the caller gets in its registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// For rax: 0, or the number of an [`Error`].
    pub status: u64,
    /// For rdx: the value; with an error the number of what was wrong, or 0.
    pub value: u64,
}

/// What the kernel does after a call, beyond replying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the caller goes on.
    None,
    /// The caller ends; the reply is for nobody.
    EndEnvironment {
        /// What it gave as its status.
        status: u32,
    },
    /// The caller gave up the rest of its slice.
    YieldSlice,
    /// The caller gave the rest of its slice to a virtual CPU on this CPU, which can run.
    YieldTo {
        /// Whose.
        environment: EnvironmentId,
        /// Which one.
        vcpu: usize,
    },
    /// The rest of the slice goes to a virtual CPU on this CPU that the caller has called or replied to, or back to the caller itself: who
    /// it is finds in its mail what goes into its registers.
    TransferTo {
        /// Whose.
        environment: EnvironmentId,
        /// Which one.
        vcpu: usize,
    },
    /// Whether the calls of this virtual CPU are bounded: then none is made on the shortcut.
    CallLimit {
        /// Whether they are.
        limited: bool,
    },
    /// The caller's accesses to memory that it does not hold reach its own handler, or end it.
    FaultDelivery {
        /// Whether they do.
        on: bool,
    },
    /// Where the caller's virtual CPU goes on when a fault cannot be delivered.
    LastResort {
        /// First instruction, 0 for none.
        instruction: u64,
        /// Stack pointer.
        stack: u64,
    },
    /// The caller may have ended itself or stopped itself: it is looked at before it goes on.
    Reschedule,
}

/// A failure, and the number of what was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) detail: u64,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, detail: 0 }
    }
}

/// With what was wrong: `Error::FrameTaken.at(frame)`.
pub(crate) trait At {
    fn at(self, detail: u64) -> Failure;
}

impl At for Error {
    fn at(self, detail: u64) -> Failure {
        Failure { error: self, detail }
    }
}

pub(crate) type Handled = Result<(u64, Effect), Failure>;

/// A value, and nothing else to do.
pub(crate) const fn done(value: u64) -> Handled {
    Ok((value, Effect::None))
}

/// One call under way.
pub(crate) struct Context<'c, 'a> {
    pub(crate) core: &'c mut Core<'a>,
    pub(crate) machine: &'c mut dyn Machine,
    pub(crate) caller: EnvironmentId,
    pub(crate) vcpu: usize,
    credential: u8,
    second: u8,
}

/// Does one call. Whatever the caller put into its registers, nobody else is harmed. `None`, and nothing has happened, where the
/// caller does not run.
pub fn dispatch(
    core: &mut Core<'_>,
    machine: &mut dyn Machine,
    (caller, vcpu): (EnvironmentId, usize),
    request: u64,
    arguments: [u64; 6],
) -> Option<(Reply, Effect)> {
    if !core.environments.is_running(caller) {
        return None;
    }
    // The null call measures the way into the kernel; with it, the count would say nothing.
    core.system.calls += u64::from(request != 0);
    let handled = match Request::from_word(request) {
        Some(Request { number, credential, second }) => {
            handle(&mut Context { core, machine, caller, vcpu, credential, second }, number, arguments)
        }
        None => Err(Error::UnknownCall.into()),
    };
    Some(match handled {
        Ok((value, effect)) => (Reply { status: 0, value }, effect),
        Err(Failure { error, detail }) => {
            core.system.failed_calls += 1;
            (Reply { status: error.number(), value: detail }, Effect::None)
        }
    })
}

macro_rules! dispatcher {
    ($($(#[doc = $doc:literal])* $number:literal $name:ident $method:ident {
        credential: $credential:literal, second: $second:literal, arguments: [$($argument:ident),*],
        value: $value:literal, errors: [$($error:ident),*]
    })*) => {
        fn handle(context: &mut Context<'_, '_>, number: u16, arguments: [u64; 6]) -> Handled {
            match number {
                $($number => {
                    let [$($argument,)* ..] = arguments;
                    context.check_unused($credential.is_empty(), $second.is_empty())?;
                    context.$method($($argument),*)
                })*
                _ => Err(Error::UnknownCall.into()),
            }
        }
    };
}

exo_abi::call_table!(dispatcher);

impl Context<'_, '_> {
    fn check_unused(&self, no_credential: bool, no_second: bool) -> Result<(), Failure> {
        let stray = no_credential && self.credential != 0 || no_second && self.second != 0;
        if stray { Err(Error::BadArgument.into()) } else { Ok(()) }
    }

    fn slot(&self, slot: u8) -> Result<Capability, Failure> {
        let slots = self.core.environments.private(self.caller).map(|private| &private.slots);
        slots.and_then(|slots| slots.get(slot.into())).ok_or(Error::BadSlot.at(slot.into()))
    }

    /// The capability that the call presents.
    pub(crate) fn credential(&self) -> Result<Capability, Failure> {
        self.slot(self.credential)
    }

    /// The same with these rights.
    pub(crate) fn credential_with(&self, rights: u64) -> Result<Capability, Failure> {
        self.credential().and_then(|capability| with(capability, rights))
    }

    /// The second capability that the call presents, with these rights.
    pub(crate) fn second_with(&self, rights: u64) -> Result<Capability, Failure> {
        self.slot(self.second).and_then(|capability| with(capability, rights))
    }

    /// The name that an argument gives, whether somebody has it or not.
    pub(crate) fn name(&self, argument: u64) -> EnvironmentId {
        if argument == 0 { self.caller } else { EnvironmentId::from_argument(argument) }
    }

    /// The live environment that an argument names.
    pub(crate) fn environment(&self, argument: u64) -> Result<EnvironmentId, Failure> {
        let id = self.name(argument);
        if self.core.environments.is_live(id) { Ok(id) } else { Err(Error::NoSuchEnvironment.into()) }
    }

    /// The same, over which the credential has these rights.
    pub(crate) fn environment_under_credential(&self, argument: u64, rights: u64) -> Result<EnvironmentId, Failure> {
        let id = self.environment(argument)?;
        let capability = self.credential()?;
        if capability.allows(&self.guard_of(id), rights) { Ok(id) } else { Err(Error::Underprivileged.into()) }
    }

    /// The same, which is the caller or over which the second credential has MODIFY.
    #[inline]
    pub(crate) fn own_environment_or_second(&self, argument: u64) -> Result<EnvironmentId, Failure> {
        // Whoever calls is live.
        if self.name(argument) == self.caller { Ok(self.caller) } else { self.environment_under_second(argument) }
    }

    fn environment_under_second(&self, argument: u64) -> Result<EnvironmentId, Failure> {
        let id = self.environment(argument)?;
        let capability = self.slot(self.second)?;
        if capability.allows(&self.guard_of(id), rights::MODIFY) { Ok(id) } else { Err(Error::Underprivileged.into()) }
    }

    /// An environment's guard.
    pub(crate) fn guard_of(&self, id: EnvironmentId) -> Name {
        self.core.environments.get(id).map_or(Name::ROOT, |record| record.guard)
    }
}

fn with(capability: Capability, rights: u64) -> Result<Capability, Failure> {
    if capability.rights & rights == rights { Ok(capability) } else { Err(Error::Underprivileged.into()) }
}
