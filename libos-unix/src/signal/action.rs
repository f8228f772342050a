//! What a process wants done about each signal: sigaction(2).

use super::{DefaultAction, Signal, SignalSet};

bitflags::bitflags! {
    /// sa_flags.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ActionFlags: u64 {
        /// No signal when children stop.
        const NOCLDSTOP = 0x1;
        /// Children leave nothing to wait for.
        const NOCLDWAIT = 0x2;
        /// The handler gets siginfo and context.
        const SIGINFO = 0x4;
        /// Asks whether unknown flags are cleared; they are.
        const UNSUPPORTED = 0x400;
        /// There is a restorer.
        const RESTORER = 0x400_0000;
        /// The handler runs on the alternate stack.
        const ONSTACK = 0x800_0000;
        /// Interrupted calls are made again.
        const RESTART = 0x1000_0000;
        /// The signal is not blocked meanwhile.
        const NODEFER = 0x4000_0000;
        /// Only once.
        const RESETHAND = 0x8000_0000;
    }
}

/// What becomes of a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disposition {
    /// What the default is.
    #[default]
    Default,
    /// Nothing.
    Ignore,
    /// A function of the program.
    Handler(u64),
}

/// struct sigaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// What becomes of it.
    pub disposition: Disposition,
    /// How.
    pub flags: ActionFlags,
    /// Where the handler returns to.
    pub restorer: u64,
    /// Blocked meanwhile.
    pub mask: SignalSet,
}

impl Action {
    /// As the system call has it: handler, flags, restorer, mask.
    #[must_use]
    pub const fn encode(&self) -> [u64; 4] {
        let handler = match self.disposition {
            Disposition::Default => 0,
            Disposition::Ignore => 1,
            Disposition::Handler(address) => address,
        };
        [handler, self.flags.bits(), self.restorer, self.mask.0]
    }

    /// What a program asks for.
    #[must_use]
    pub const fn decode([handler, flags, restorer, mask]: [u64; 4]) -> Self {
        let disposition = match handler {
            0 => Disposition::Default,
            1 => Disposition::Ignore,
            address => Disposition::Handler(address),
        };
        let mask = SignalSet(mask & !SignalSet::UNSTOPPABLE.0);
        let flags = ActionFlags::from_bits_truncate(flags).difference(ActionFlags::UNSUPPORTED);
        Self { disposition, flags, restorer, mask }
    }
}

/// One for each signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actions([Action; Signal::LAST as usize]);

impl Default for Actions {
    fn default() -> Self {
        Self([Action::default(); Signal::LAST as usize])
    }
}

impl Actions {
    /// For one signal.
    #[must_use]
    pub const fn get(&self, signal: Signal) -> &Action {
        &self.0[signal.index()]
    }

    /// Replaces it.
    pub const fn set(&mut self, signal: Signal, action: Action) {
        self.0[signal.index()] = action;
    }

    /// Whether nothing would happen.
    #[must_use]
    pub fn ignores(&self, signal: Signal) -> bool {
        match self.get(signal).disposition {
            Disposition::Ignore => true,
            Disposition::Default => signal.default_action() == DefaultAction::Ignore,
            Disposition::Handler(_) => false,
        }
    }

    /// What exec leaves of them: no handlers.
    pub fn reset_handlers(&mut self) {
        for action in &mut self.0 {
            let ignored = action.disposition == Disposition::Ignore;
            *action = Action::default();
            if ignored {
                action.disposition = Disposition::Ignore;
            }
        }
    }
}
