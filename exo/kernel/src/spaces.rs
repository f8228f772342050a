//! What the kernel keeps of each environment beside the state machine's record: its EPT, its pages, its account.

use crate::report::End;
use exo_abi::counters::EXIT_REASONS;
use exo_abi::environment_page::EnvironmentPage;
use exo_abi::info::{MAX_ENVIRONMENTS, MAX_VCPUS};
use exo_core::EnvironmentId;
use hv::guest_space::{Departing, GuestSpace};
use hv::page::{Page, SharedPage};
use hv::pool::{Account, KernelBox};

/// One environment's. It lies in its own reserve.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) id: EnvironmentId,
    pub(crate) account: Account,
    pub(crate) guest: GuestSpace,
    /// What is asked of it, and what it has lost.
    pub(crate) page: Page<EnvironmentPage>,
    /// Event pages by virtual CPU.
    pub(crate) events: [Option<SharedPage>; MAX_VCPUS],
    /// The run waits for it.
    pub(crate) waited_for: bool,
    /// How it ended and where it was, once it has by itself.
    pub(crate) end: Option<(End, u64)>,
    /// Exits by reason of the virtual CPUs that have gone.
    pub(crate) exits: [u64; EXIT_REASONS],
}

/// Those of all environments, by place in the table.
#[derive(Debug)]
pub(crate) struct Spaces {
    places: [Option<KernelBox<Space>>; MAX_ENVIRONMENTS],
    /// What was taken away since the last flush.
    pub(crate) departing: Departing,
    /// Of each environment that has ended since anybody looked and that the run waits for: whether all was well.
    pub(crate) ended: heapless::Vec<bool, MAX_ENVIRONMENTS>,
}

impl Spaces {
    pub(crate) fn new() -> Self {
        Self {
            places: [const { None }; MAX_ENVIRONMENTS],
            departing: Departing::default(),
            ended: heapless::Vec::new(),
        }
    }

    pub(crate) fn get(&self, place: usize) -> Option<&Space> {
        self.places.get(place)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut Space> {
        self.places.get_mut(place)?.as_deref_mut()
    }

    pub(crate) fn put(&mut self, place: usize, space: KernelBox<Space>) {
        if let Some(slot) = self.places.get_mut(place) {
            *slot = Some(space);
        }
    }

    pub(crate) fn take(&mut self, place: usize) -> Option<KernelBox<Space>> {
        self.places.get_mut(place)?.take()
    }

    /// The event page of a virtual CPU.
    pub(crate) fn event_page(&self, place: usize, vcpu: usize) -> Option<&SharedPage> {
        self.get(place)?.events.get(vcpu)?.as_ref()
    }
}
