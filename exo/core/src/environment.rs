//! The table of environments: a fixed number of records, each named by an index and a generation.
//!
//! An index is used again, a pair of index and generation never: whoever still holds an old pair names nobody.

mod creation;

pub use creation::{CreateError, NewEnvironment};

use core::fmt;
use exo_abi::boot_page::MAX_NAME;

/// Most environments at one time.
pub const MAX_ENVIRONMENTS: usize = 64;
/// Most slices of one environment in each round.
pub const MAX_SLICES: u32 = 16;

/// The name of an environment. Anybody may make one up: only the table says whether it names somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EnvironmentId {
    /// Place in the table.
    pub index: u32,
    /// How often the place had been given out, this time included; never 0 for somebody.
    pub generation: u32,
}

impl fmt::Display for EnvironmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

/// How an environment came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// By its own call.
    Exited {
        /// What it gave as its status.
        status: u32,
    },
    /// By the kernel; the kernel's glue keeps the reason.
    Killed,
}

/// What a place in the table holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nobody.
    #[default]
    Empty,
    /// An environment that may run and hold frames.
    Running,
    /// An environment that has ended and whose record is kept for the report.
    Ended(Outcome),
}

/// The record of one environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Environment {
    pub(crate) generation: u32,
    pub(crate) state: State,
    pub(crate) name: [u8; MAX_NAME],
    pub(crate) name_length: usize,
    pub(crate) cpu: u32,
    pub(crate) slices: u32,
    pub(crate) background: bool,
    pub(crate) input: bool,
    pub(crate) frames_held: u64,
    pub(crate) upcall_vector: u8,
}

impl Environment {
    /// Running, or how it ended.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// True until the environment ends.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// Its name in reports.
    #[must_use]
    pub fn name(&self) -> &str {
        core::str::from_utf8(&self.name[..self.name_length]).unwrap_or("")
    }

    /// The CPU that runs it.
    #[must_use]
    pub fn cpu(&self) -> u32 {
        self.cpu
    }

    /// Slices in each round.
    #[must_use]
    pub fn slices(&self) -> u32 {
        self.slices
    }

    /// True where the run does not wait for it.
    #[must_use]
    pub fn is_background(&self) -> bool {
        self.background
    }

    /// True where it gets what is typed.
    #[must_use]
    pub fn has_input(&self) -> bool {
        self.input
    }

    /// How many frames it owns.
    #[must_use]
    pub fn frames_held(&self) -> u64 {
        self.frames_held
    }

    /// The vector (32..=255) on which it wants an interrupt at the beginning of each slice; 0: none.
    #[must_use]
    pub fn upcall_vector(&self) -> u8 {
        self.upcall_vector
    }
}

/// All environments.
#[derive(Clone, Debug)]
pub struct Environments {
    table: [Environment; MAX_ENVIRONMENTS],
}

impl Environments {
    pub(crate) fn new() -> Self {
        Self { table: [Environment::default(); MAX_ENVIRONMENTS] }
    }

    /// The environment with this name, running or ended.
    #[must_use]
    pub fn get(&self, id: EnvironmentId) -> Option<&Environment> {
        let record = self.table.get(usize::try_from(id.index).ok()?)?;
        (record.state != State::Empty && record.generation == id.generation).then_some(record)
    }

    pub(crate) fn running_mut(&mut self, id: EnvironmentId) -> Option<&mut Environment> {
        let record = self.table.get_mut(usize::try_from(id.index).ok()?)?;
        (record.state == State::Running && record.generation == id.generation).then_some(record)
    }

    /// True where `id` names an environment that has not ended.
    #[must_use]
    pub fn is_running(&self, id: EnvironmentId) -> bool {
        self.get(id).is_some_and(Environment::is_running)
    }

    /// All environments, running or ended, in table order.
    pub fn iter(&self) -> impl Iterator<Item = (EnvironmentId, &Environment)> {
        let places = (0..).zip(&self.table).filter(|(_, record)| record.state != State::Empty);
        places.map(|(index, record)| (EnvironmentId { index, generation: record.generation }, record))
    }

    /// The name that the next environment will have: the lowest empty place whose generations are not used up.
    pub(crate) fn next_id(&self) -> Option<EnvironmentId> {
        let mut places = (0..).zip(&self.table).filter(|(_, record)| record.state == State::Empty);
        places.find_map(|(index, record)| Some(EnvironmentId { index, generation: record.generation.checked_add(1)? }))
    }

    /// Fills the place that [`next_id`](Self::next_id) named.
    pub(crate) fn fill(&mut self, id: EnvironmentId, new: &NewEnvironment<'_>) {
        let Some(record) = usize::try_from(id.index).ok().and_then(|index| self.table.get_mut(index)) else { return };
        let bytes = new.name.as_bytes();
        let name_length = bytes.len().min(MAX_NAME);
        let mut name = [0; MAX_NAME];
        name[..name_length].copy_from_slice(&bytes[..name_length]);
        *record = Environment {
            generation: id.generation,
            state: State::Running,
            name,
            name_length,
            cpu: new.cpu,
            slices: new.slices,
            background: new.background,
            input: new.input,
            frames_held: 0,
            upcall_vector: 0,
        };
    }

    /// Ends a running environment; `false` where `id` names none.
    pub(crate) fn end(&mut self, id: EnvironmentId, outcome: Outcome) -> bool {
        let Some(record) = self.running_mut(id) else { return false };
        record.state = State::Ended(outcome);
        record.frames_held = 0;
        record.upcall_vector = 0;
        true
    }

    /// Empties the place of an ended environment, keeping its generation; `false` where `id` names none.
    pub(crate) fn forget(&mut self, id: EnvironmentId) -> bool {
        let place = usize::try_from(id.index).ok().and_then(|index| self.table.get_mut(index));
        match place {
            Some(record) if record.generation == id.generation && matches!(record.state, State::Ended(_)) => {
                *record = Environment { generation: record.generation, ..Environment::default() };
                true
            }
            _ => false,
        }
    }
}
