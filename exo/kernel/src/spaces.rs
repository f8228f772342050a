//! What the kernel keeps of each environment beside the state machine's record: its EPT, its pages, its account.

use crate::input::Ring;
use crate::report::End;
use exo_abi::counters::EXIT_REASONS;
use exo_abi::environment_page::EnvironmentPage;
use exo_abi::info::{MAX_ENVIRONMENTS, MAX_NAME, MAX_VCPUS};
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
    /// Its name in the manifest; empty for one that another environment has made, whose name is that environment's choice and not
    /// for the log.
    pub(crate) name: heapless::String<MAX_NAME>,
    /// The run waits for it.
    pub(crate) waited_for: bool,
    /// Its loads of CR3 exit, so that they are counted.
    pub(crate) count_cr3: bool,
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
    /// What was typed and not read.
    pub(crate) input: Ring,
    /// Ends of environments that others made and that the log has told of.
    children_told: u32,
    /// Of each environment that has ended since anybody looked and that the run waits for: whether all was well.
    pub(crate) ended: heapless::Vec<bool, MAX_ENVIRONMENTS>,
}

impl Spaces {
    pub(crate) fn new() -> Self {
        Self {
            places: [const { None }; MAX_ENVIRONMENTS],
            departing: Departing::default(),
            input: Ring::EMPTY,
            children_told: 0,
            ended: heapless::Vec::new(),
        }
    }

    /// Whether the log tells of the end of one more environment that another has made: not without end, or making and ending
    /// them would be a way to keep the console busy.
    pub(crate) fn may_tell_of_child(&mut self) -> bool {
        const CHILDREN: u32 = 256;
        self.children_told = self.children_told.saturating_add(1);
        self.children_told <= CHILDREN
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
