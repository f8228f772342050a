//! Each CPU's linear vector of slices.
//!
//! Time goes round the vector in order of position. A slice whose owner cannot run goes to the next position whose
//! owner can: a fixed rule that anybody can foresee, not a policy.

use crate::environment::EnvironmentId;
use crate::gates::VcpuName;
use exo_abi::capability::Name;
use exo_abi::info::{SLICE_POSITIONS, SliceRecord, SliceVector, slice_state};
use zerocopy::FromZeros;

/// The slice that runs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Its position in the vector.
    pub position: usize,
    /// Its owner.
    pub owner: EnvironmentId,
    /// Which of the owner's virtual CPUs.
    pub vcpu: usize,
    /// Who runs: the owner, or whoever serves it.
    pub runs: VcpuName,
}

/// The vectors of all CPUs.
#[derive(Debug)]
pub struct Slices<'a> {
    vectors: &'a mut [SliceVector],
}

/// The owner that a record names, if any.
#[must_use]
pub fn slice_owner(record: &SliceRecord) -> Option<EnvironmentId> {
    (record.owner_generation != 0)
        .then_some(EnvironmentId { index: record.owner_index, generation: record.owner_generation })
}

fn with_owner(state: u8, id: EnvironmentId, vcpu: usize, guard: Name) -> SliceRecord {
    SliceRecord {
        state,
        vcpu: u16::try_from(vcpu).unwrap_or(u16::MAX),
        owner_index: id.index,
        owner_generation: id.generation,
        guard,
        ..SliceRecord::default()
    }
}

impl<'a> Slices<'a> {
    pub(crate) fn new(vectors: &'a mut [SliceVector]) -> Self {
        for vector in vectors.iter_mut() {
            *vector = SliceVector::new_zeroed();
            // The first slice to run is the one at the lowest position.
            vector.position = SLICE_POSITIONS as u64 - 1;
        }
        Self { vectors }
    }

    /// Those of a machine without CPUs.
    pub(crate) fn none() -> Self {
        Self { vectors: &mut [] }
    }

    /// The vectors by CPU.
    #[must_use]
    pub fn vectors(&self) -> &[SliceVector] {
        self.vectors
    }

    /// A position's record; `None` where there is no such CPU or position.
    #[must_use]
    pub fn get(&self, cpu: usize, position: usize) -> Option<&SliceRecord> {
        self.vectors.get(cpu)?.slices.get(position)
    }

    fn get_mut(&mut self, cpu: usize, position: usize) -> Option<&mut SliceRecord> {
        self.vectors.get_mut(cpu)?.slices.get_mut(position)
    }

    /// Gives a position to a virtual CPU. Lost slices stay lost: whoever overruns cannot give or free them away.
    pub(crate) fn give(&mut self, cpu: usize, position: usize, id: EnvironmentId, vcpu: usize, guard: Name) {
        if let Some(record) = self.get_mut(cpu, position) {
            *record = SliceRecord { penalties: record.penalties, ..with_owner(slice_state::OWNED, id, vcpu, guard) };
        }
    }

    /// Empties a position, for everybody or for one environment that has claimed it.
    pub(crate) fn free(&mut self, cpu: usize, position: usize, promised: Option<EnvironmentId>) {
        if let Some(record) = self.get_mut(cpu, position) {
            *record = match promised {
                Some(id) => with_owner(slice_state::PROMISED, id, 0, Name::ROOT),
                None => SliceRecord { penalties: record.penalties, ..SliceRecord::default() },
            };
        }
    }

    /// Takes all positions of an environment away, promised ones too.
    pub(crate) fn remove_all(&mut self, id: EnvironmentId) {
        for vector in self.vectors.iter_mut() {
            for record in vector.slices.iter_mut().filter(|record| slice_owner(record) == Some(id)) {
                *record = SliceRecord::default();
            }
        }
    }

    /// The next slice of this owner at this position, if it still has it, is lost.
    pub(crate) fn penalise(&mut self, cpu: usize, position: usize, owner: EnvironmentId) {
        let its = |record: &&mut SliceRecord| record.state == slice_state::OWNED && slice_owner(record) == Some(owner);
        if let Some(record) = self.get_mut(cpu, position).filter(its) {
            record.penalties = record.penalties.saturating_add(1);
        }
    }

    /// Moves on to the next position in vector order whose owner can run and has not lost it; the last resort is the position that
    /// ran last. Where all that can run have lost theirs, nobody gains by idling: the first of them runs. `None`, and no move, where
    /// nobody can run.
    pub(crate) fn next(
        &mut self,
        cpu: usize,
        mut who_runs: impl FnMut(EnvironmentId, usize) -> Option<VcpuName>,
    ) -> Option<Slice> {
        let vector = self.vectors.get_mut(cpu)?;
        let last = usize::try_from(vector.position).unwrap_or(0) % SLICE_POSITIONS;
        let mut next = None;
        for position in (last + 1..SLICE_POSITIONS).chain(0..=last) {
            let record = &mut vector.slices[position];
            if record.state != slice_state::OWNED {
                continue;
            }
            let Some(owner) = slice_owner(record) else { continue };
            let vcpu = record.vcpu.into();
            let Some(runs) = who_runs(owner, vcpu) else { continue };
            let slice = Slice { position, owner, vcpu, runs };
            if record.penalties == 0 {
                next = Some(slice);
                break;
            }
            record.penalties -= 1;
            next = next.or(Some(slice));
        }
        let slice = next?;
        vector.position = slice.position as u64;
        vector.begun += 1;
        Some(slice)
    }
}
