//! What the model remembers.

use super::{Id, Model};
use exo_abi::environment_page::{Repossession, Request};
use exo_abi::info::environment_state;
use std::collections::BTreeMap;
use std::vec::Vec;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Frame {
    Unusable,
    /// The kernel's, and for whom.
    Kernel(Option<Id>),
    /// Nobody's, and whose bytes it holds.
    Free(Option<Id>),
    Promised(Id),
    Owned(Owned),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owned {
    pub(crate) by: Id,
    pub(crate) guard: Vec<u8>,
    pub(crate) guaranteed: bool,
    pub(crate) pinned: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Slot {
    Open(Id),
    Held(Vec<u8>, u64),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wait {
    No,
    Until(u64),
    Halted(u64),
    On(Vec<(u64, u64)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Vcpu {
    pub(crate) cpu: u64,
    pub(crate) wait: Wait,
    /// Raised and not yet in the event page.
    pub(crate) raised: u64,
    pub(crate) pending: u64,
    pub(crate) mask: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) request: Request,
    pub(crate) claim: Request,
    /// Every entry ever made.
    pub(crate) log: Vec<Repossession>,
}

#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) id: Id,
    pub(crate) state: u32,
    pub(crate) outcome: u32,
    pub(crate) status: u32,
    pub(crate) parent: Option<Id>,
    pub(crate) guard: Vec<u8>,
    pub(crate) guarantee: u64,
    pub(crate) ticks: u64,
    pub(crate) name: Vec<u8>,
    pub(crate) slots: BTreeMap<u64, Slot>,
    pub(crate) vcpus: BTreeMap<u64, Vcpu>,
    pub(crate) input: bool,
    pub(crate) told_of_input: bool,
    pub(crate) page: Page,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slice {
    /// `None` where it is only promised.
    pub(crate) vcpu: Option<u64>,
    pub(crate) owner: Id,
    pub(crate) guard: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wanted {
    Run(u64, u64),
    Count,
    Slice(u64, u64),
}

#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) claimant: Id,
    pub(crate) victim: Id,
    pub(crate) wanted: Wanted,
    pub(crate) left: u64,
    /// The claimant stays within its guarantee.
    pub(crate) entitled: bool,
    pub(crate) dominated: bool,
    pub(crate) begun: u64,
    pub(crate) deadline: u64,
    pub(crate) run_until: u64,
}

impl Environment {
    pub(crate) fn lives(&self) -> bool {
        matches!(self.state, environment_state::STOPPED | environment_state::RUNNING)
    }
}

impl Model {
    /// Whoever has this name, whatever it does.
    pub(crate) fn get(&self, id: Id) -> Option<&Environment> {
        self.environments.get(&id.index).filter(|environment| environment.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut Environment> {
        self.environments.get_mut(&id.index).filter(|environment| environment.id == id)
    }

    /// Whoever has this name, of whom the caller knows that it is there.
    pub(crate) fn of(&mut self, id: Id) -> &mut Environment {
        self.get_mut(id).expect("somebody")
    }

    pub(crate) fn lives(&self, id: Id) -> bool {
        self.get(id).is_some_and(Environment::lives)
    }

    pub(crate) fn runs(&self, id: Id) -> bool {
        self.get(id).is_some_and(|environment| environment.state == environment_state::RUNNING)
    }

    pub(crate) fn guarantee(&self, id: Id) -> u64 {
        self.get(id).map_or(0, |environment| environment.guarantee)
    }
}
