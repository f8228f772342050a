//! The table itself: exposed records, and beside each what is not exposed.

use super::{EnvironmentId, Outcome, Private, VirtualCpu};
use exo_abi::capability::Name;
use exo_abi::info::{EnvironmentRecord, MAX_NAME, environment_outcome, environment_state};

/// All environments.
#[derive(Debug)]
pub struct Environments<'a> {
    records: &'a mut [EnvironmentRecord],
    private: &'a mut [Private],
}

/// Whether a record's environment has not begun to end.
pub(crate) fn is_live(record: &EnvironmentRecord) -> bool {
    matches!(record.state, environment_state::STOPPED | environment_state::RUNNING)
}

impl<'a> Environments<'a> {
    pub(crate) fn new(records: &'a mut [EnvironmentRecord], private: &'a mut [Private]) -> Self {
        records.fill(EnvironmentRecord::default());
        private.fill(Private::NOBODY);
        Self { records, private }
    }

    /// The record of this environment, whatever it is doing.
    #[must_use]
    pub fn get(&self, id: EnvironmentId) -> Option<&EnvironmentRecord> {
        let record = self.records.get(id.place())?;
        (record.state != environment_state::EMPTY && record.generation == id.generation).then_some(record)
    }

    /// The same to change.
    pub(crate) fn get_mut(&mut self, id: EnvironmentId) -> Option<&mut EnvironmentRecord> {
        self.get(id)?;
        self.records.get_mut(id.place())
    }

    /// What is not exposed of this environment.
    #[must_use]
    pub fn private(&self, id: EnvironmentId) -> Option<&Private> {
        self.get(id)?;
        self.private.get(id.place())
    }

    /// The same to change.
    pub(crate) fn private_mut(&mut self, id: EnvironmentId) -> Option<&mut Private> {
        self.get(id)?;
        self.private.get_mut(id.place())
    }

    /// A virtual CPU of this environment.
    #[must_use]
    pub fn vcpu(&self, id: EnvironmentId, vcpu: usize) -> Option<&VirtualCpu> {
        self.private(id)?.vcpus.get(vcpu)?.as_ref()
    }

    /// The same to change.
    pub(crate) fn vcpu_mut(&mut self, id: EnvironmentId, vcpu: usize) -> Option<&mut VirtualCpu> {
        self.private_mut(id)?.vcpus.get_mut(vcpu)?.as_mut()
    }

    /// True where `id` names an environment that has not begun to end.
    #[must_use]
    pub fn is_live(&self, id: EnvironmentId) -> bool {
        self.get(id).is_some_and(is_live)
    }

    /// True where `id` names an environment whose virtual CPUs may run.
    #[must_use]
    pub fn is_running(&self, id: EnvironmentId) -> bool {
        self.get(id).is_some_and(|record| record.state == environment_state::RUNNING)
    }

    /// Whoever is at this place.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<EnvironmentId> {
        let record = self.records.get(place)?;
        let index = u32::try_from(place).ok()?;
        (record.state != environment_state::EMPTY).then_some(EnvironmentId { index, generation: record.generation })
    }

    /// The record of a place, used or not.
    pub(crate) fn record_at(&self, place: usize) -> Option<&EnvironmentRecord> {
        self.records.get(place)
    }

    /// All environments, in table order.
    pub fn iter(&self) -> impl Iterator<Item = (EnvironmentId, &EnvironmentRecord)> {
        let places = (0..).zip(self.records.iter()).filter(|(_, record)| record.state != environment_state::EMPTY);
        places.map(|(index, record)| (EnvironmentId { index, generation: record.generation }, record))
    }

    /// The name that the next environment will have: the lowest empty place whose generations are not used up.
    pub(crate) fn next_id(&self) -> Option<EnvironmentId> {
        let mut places = (0..).zip(self.records.iter()).filter(|(_, record)| record.state == environment_state::EMPTY);
        places.find_map(|(index, record)| Some(EnvironmentId { index, generation: record.generation.checked_add(1)? }))
    }

    /// Fills the place that [`next_id`](Self::next_id) named, stopped.
    pub(crate) fn fill(&mut self, id: EnvironmentId, parent: Option<EnvironmentId>, guard: Name) {
        let parent = parent.unwrap_or_default();
        if let (Some(record), Some(private)) = (self.records.get_mut(id.place()), self.private.get_mut(id.place())) {
            *record = EnvironmentRecord {
                generation: id.generation,
                state: environment_state::STOPPED,
                parent_index: parent.index,
                parent_generation: parent.generation,
                guard,
                ..EnvironmentRecord::default()
            };
            *private = Private::NOBODY;
        }
    }

    /// Gives an environment its name for people; what does not fit is left out.
    pub(crate) fn name(&mut self, id: EnvironmentId, name: &[u8]) {
        if let Some(record) = self.get_mut(id) {
            let length = name.len().min(MAX_NAME);
            record.name = [0; MAX_NAME];
            record.name[..length].copy_from_slice(&name[..length]);
            record.name_length = u32::try_from(length).unwrap_or(0);
        }
    }

    /// A live environment begins to end: it loses its capabilities; `false` where `id` names none.
    pub(crate) fn begin_end(&mut self, id: EnvironmentId, outcome: Outcome) -> bool {
        let (outcome, status) = match outcome {
            Outcome::Exited { status } => (environment_outcome::EXITED, status),
            Outcome::Killed => (environment_outcome::KILLED, 0),
            Outcome::Destroyed => (environment_outcome::DESTROYED, 0),
        };
        let Some(record) = self.get_mut(id).filter(|record| is_live(record)) else { return false };
        (record.state, record.outcome, record.status) = (environment_state::DYING, outcome, status);
        if let Some(private) = self.private_mut(id) {
            *private = Private { vcpus: private.vcpus, background: private.background, ..Private::NOBODY };
        }
        true
    }

    /// Empties the place of an environment that has ended, keeping its generation; `false` where `id` names none.
    pub(crate) fn forget(&mut self, id: EnvironmentId) -> bool {
        let ended = |record: &&mut EnvironmentRecord| record.state == environment_state::ENDED;
        let Some(record) = self.get_mut(id).filter(ended) else { return false };
        *record = EnvironmentRecord { generation: id.generation, ..EnvironmentRecord::default() };
        true
    }
}
