//! A machine of few frames that believes nothing: it panics where the state machine breaks the contract of [`Machine`], and its
//! translation caches forget only what they are told to forget.

mod machine;

use crate::environment::EnvironmentId;
use crate::gates::Message;
use crate::machine::Binding;
use exo_abi::boot_page::FrameRun;
use exo_abi::console::Stream;
use exo_abi::environment_page::EnvironmentPage;
use exo_abi::layout::FRAME_SIZE;
use std::boxed::Box;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::vec::Vec;

/// Frames of the machine.
pub(crate) const FRAMES: u64 = 96;
/// Frames that one table of an EPT covers: every slot in use costs a frame of the reserve.
pub(crate) const TABLE_FRAMES: u64 = 8;
/// Frames that an environment costs before it has a virtual CPU.
pub(crate) const OPEN_COST: u64 = 2;
/// What fills frames of a reserve: nobody must ever see it.
const METADATA: u8 = 0xee;

/// What a CPU may have cached: under its own number, a VPID and an EPT root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Translation {
    pub(crate) cpu: u32,
    pub(crate) environment: EnvironmentId,
    pub(crate) vcpu: usize,
    pub(crate) root: u64,
    pub(crate) frame: u64,
}

#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) id: EnvironmentId,
    pub(crate) root: u64,
    pub(crate) entries: BTreeMap<u64, Binding>,
    reserve: u64,
    vcpus: u64,
    pub(crate) page: Box<EnvironmentPage>,
}

#[derive(Debug, Default)]
pub(crate) struct Fake {
    pub(crate) memory: Vec<u8>,
    pub(crate) spaces: BTreeMap<usize, Space>,
    roots: u64,
    pub(crate) cached: BTreeMap<Translation, u64>,
    unflushed: BTreeSet<(u64, u64)>,
    pub(crate) kicked: BTreeSet<u32>,
    pub(crate) expelled: BTreeSet<usize>,
    /// Pending events and mask.
    pub(crate) event_pages: BTreeMap<(usize, usize), (u64, u64)>,
    pub(crate) written: Vec<(u8, Stream, u8)>,
    pub(crate) typed: VecDeque<u8>,
    pub(crate) now: u64,
    /// The caller's registers.
    pub(crate) message: Message,
}

/// What [`Machine::create_vcpu`] gives here.
pub(crate) fn event_page_address(environment: usize, vcpu: usize) -> u64 {
    ((environment * 8 + vcpu) as u64 + 1000) * FRAME_SIZE
}

pub(crate) fn frames_in(run: FrameRun) -> core::ops::Range<u64> {
    run.first..run.first + run.count
}

fn bytes(physical: u64, length: usize) -> core::ops::Range<usize> {
    let start = usize::try_from(physical).expect("a checked address");
    start..start + length
}

impl Fake {
    pub(crate) fn new() -> Self {
        // What boot leaves in memory is nobody's business either.
        Self { memory: std::vec![0xbb; (FRAMES * FRAME_SIZE) as usize], ..Self::default() }
    }

    pub(crate) fn frame(&mut self, frame: u64) -> &mut [u8] {
        &mut self.memory[bytes(frame * FRAME_SIZE, FRAME_SIZE as usize)]
    }

    fn space(&mut self, environment: usize) -> &mut Space {
        self.spaces.get_mut(&environment).expect("somebody's index")
    }

    /// A virtual CPU accesses a frame: through what its CPU has cached, or through the EPT, which is then cached.
    pub(crate) fn touch(&mut self, cpu: u32, id: EnvironmentId, vcpu: usize, frame: u64, rights: u64) -> bool {
        let Some(space) = self.spaces.get(&id.place()).filter(|space| space.id == id) else { return false };
        let key = Translation { cpu, environment: id, vcpu, root: space.root, frame };
        if self.cached.get(&key).is_some_and(|&cached| cached & rights == rights) {
            return true;
        }
        match space.entries.get(&frame) {
            Some(binding) if binding.rights & rights == rights => {
                self.cached.insert(key, binding.rights);
                true
            }
            _ => false,
        }
    }

    /// What is wrong with the caches, if anything: an entry that the EPT does not justify any more.
    pub(crate) fn stale(&self) -> Option<Translation> {
        let justified = |key: &Translation, rights: u64| {
            let space = self.spaces.get(&key.environment.place()).filter(|space| space.root == key.root);
            let entry = space.and_then(|space| space.entries.get(&key.frame));
            entry.is_some_and(|entry| entry.rights & rights == rights)
        };
        self.cached.iter().find(|&(key, &rights)| !justified(key, rights)).map(|(key, _)| *key)
    }

    fn reachable(&self, frame: u64) -> bool {
        self.spaces.values().any(|space| space.entries.contains_key(&frame))
            || self.cached.keys().any(|key| key.frame == frame)
            || self.unflushed.iter().any(|&(_, waiting)| waiting == frame)
    }

    fn take_as_metadata(&mut self, run: FrameRun) {
        for frame in frames_in(run) {
            assert!(!self.reachable(frame), "frame {frame} becomes metadata while somebody reaches it");
            self.frame(frame).fill(METADATA);
        }
    }
}

/// What an environment's metadata costs.
pub(crate) fn cost<'f>(vcpus: u64, bound: impl Iterator<Item = &'f u64>) -> u64 {
    let tables: BTreeSet<u64> = bound.map(|frame| frame / TABLE_FRAMES).collect();
    OPEN_COST + vcpus + tables.len() as u64
}
