//! What every environment may read, built anew from the model.

use super::{Environment, Frame, Id, Model};
use exo_abi::capability::Name;
use exo_abi::info::{
    EnvironmentRecord, FrameRecord, MAX_NAME, SliceRecord, environment_state, frame_flags, frame_state, slice_state,
};

pub(crate) fn name_of(bytes: &[u8]) -> Name {
    Name::new(bytes).expect("a name of the model is short")
}

impl Model {
    pub(crate) fn frame_record(&self, frame: u64) -> FrameRecord {
        let (state, owner, flags, guard) = match self.frame(frame) {
            Frame::Unusable => (frame_state::UNUSABLE, None, 0, Name::ROOT),
            Frame::Kernel(of) => (frame_state::KERNEL, *of, 0, Name::ROOT),
            Frame::Free(of) => (frame_state::FREE, *of, frame_flags::DIRTY, Name::ROOT),
            Frame::Promised(to) => (frame_state::PROMISED, Some(*to), frame_flags::DIRTY, Name::ROOT),
            Frame::Owned(owned) => {
                let guaranteed = if owned.guaranteed { frame_flags::GUARANTEED } else { 0 };
                let pinned = if owned.pinned { frame_flags::PINNED } else { 0 };
                (frame_state::OWNED, Some(owned.by), guaranteed | pinned, name_of(&owned.guard))
            }
        };
        let owner = owner.unwrap_or_default();
        FrameRecord {
            state,
            flags,
            owner_index: u16::try_from(owner.index).expect("few places"),
            owner_generation: owner.generation,
            binders: self.binders(frame).iter().map(|id| 1 << id.index).sum(),
            guard,
        }
    }

    pub(crate) fn environment_record(&self, place: u32) -> EnvironmentRecord {
        let generation = self.generations.get(&place).copied().unwrap_or(0);
        let nobody = EnvironmentRecord { generation, ..EnvironmentRecord::default() };
        let Some(environment) = self.environments.get(&place) else { return nobody };
        let Environment { id, parent, .. } = *environment;
        let parent = parent.unwrap_or_default();
        let mut text = [0; MAX_NAME];
        text[..environment.name.len()].copy_from_slice(&environment.name);
        let ended = environment.state == environment_state::ENDED;
        EnvironmentRecord {
            state: environment.state,
            outcome: environment.outcome,
            status: environment.status,
            parent_index: parent.index,
            parent_generation: parent.generation,
            vcpus: u32::try_from(environment.vcpus.len()).expect("few"),
            slices: u32::try_from(self.slices_of(id)).expect("few"),
            guard: name_of(&environment.guard),
            guarantee: environment.guarantee,
            frames: self.owns(id),
            promised: self.promised_to(id),
            reserve: if ended { 0 } else { self.reserve_of(id) },
            ticks: environment.ticks,
            name_length: u32::try_from(environment.name.len()).expect("short"),
            name: text,
            ..nobody
        }
    }

    fn slices_of(&self, id: Id) -> usize {
        self.slices.values().filter(|slice| slice.owner == id && slice.vcpu.is_some()).count()
    }

    pub(crate) fn slice_record(&self, cpu: u64, position: u64) -> SliceRecord {
        let penalties = self.penalties.get(&(cpu, position)).copied().unwrap_or(0);
        let free = SliceRecord { penalties, ..SliceRecord::default() };
        let Some(slice) = self.slices.get(&(cpu, position)) else { return free };
        SliceRecord {
            state: if slice.vcpu.is_some() { slice_state::OWNED } else { slice_state::PROMISED },
            vcpu: u16::try_from(slice.vcpu.unwrap_or(0)).expect("few"),
            owner_index: slice.owner.index,
            owner_generation: slice.owner.generation,
            guard: name_of(&slice.guard),
            ..free
        }
    }
}
