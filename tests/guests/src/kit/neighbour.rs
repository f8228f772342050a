//! Somebody else's environment, to be left unharmed by what a guest tries.

use alloc::string::String;
use exo_user::EnvironmentId;
use exo_user::abi::capability::Name;
use exo_user::abi::info::{MAX_ENVIRONMENTS, environment_state, frame_state, slice_state};
use exo_user::info;

/// What is known of it: all that everybody may read.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    /// Its name.
    pub id: EnvironmentId,
    /// A frame of its own.
    pub frame: u64,
    /// What guards it.
    pub guard: Name,
    /// CPU and position of a slice of its own.
    pub slice: (u32, u64),
}

impl Neighbour {
    /// A live environment whose name for people begins so.
    #[must_use]
    pub fn named(prefix: &str) -> Option<Neighbour> {
        let own = info::own_id();
        (0..u32::try_from(MAX_ENVIRONMENTS).ok()?).find_map(|index| {
            let record = info::environment_at(index)?;
            let id = EnvironmentId { index, generation: record.generation };
            let name = record.name.get(..usize::try_from(record.name_length).ok()?)?;
            let wanted = id != own && record.state == environment_state::RUNNING && name.starts_with(prefix.as_bytes());
            wanted.then(|| Self::of(id, record.guard)).flatten()
        })
    }

    fn of(id: EnvironmentId, guard: Name) -> Option<Neighbour> {
        Some(Neighbour { id, frame: frame_of(id)?, guard, slice: slice_of(id)? })
    }

    /// As an argument.
    #[must_use]
    pub const fn argument(&self) -> u64 {
        self.id.argument()
    }
}

/// The witness that runs beside.
///
/// # Errors
/// Where there is none.
pub fn witness() -> Result<Neighbour, String> {
    Neighbour::named("witness").ok_or_else(|| "no witness runs".into())
}

/// A frame in the middle of what an environment owns.
#[must_use]
pub fn frame_of(id: EnvironmentId) -> Option<u64> {
    let owned = |number: &u64| {
        info::frame(*number).is_some_and(|record| {
            record.state == frame_state::OWNED
                && u32::from(record.owner_index) == id.index
                && record.owner_generation == id.generation
        })
    };
    let first = (0..info::frame_count()).find(owned)?;
    (first..first + 512).rev().find(owned)
}

/// A slice of an environment.
#[must_use]
pub fn slice_of(id: EnvironmentId) -> Option<(u32, u64)> {
    (0..info::system()?.cpus).find_map(|cpu| {
        let (position, _) = info::slices(cpu).find(|(_, record)| {
            record.state == slice_state::OWNED
                && record.owner_index == id.index
                && record.owner_generation == id.generation
        })?;
        Some((cpu, position as u64))
    })
}

/// A position of a CPU's slice vector that is nobody's.
#[must_use]
pub fn free_slice(cpu: u32) -> Option<u64> {
    info::slices(cpu).find(|(_, record)| record.state == slice_state::FREE).map(|(position, _)| position as u64)
}
