//! The name of an environment.

use core::fmt;
use exo_abi::call::environment_argument;

/// An environment: an index is reused, a pair of index and generation never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnvironmentId {
    /// Its place in the table of environments.
    pub index: u32,
    /// How often that place had been given out before.
    pub generation: u32,
}

impl EnvironmentId {
    /// The environment as an argument of a call.
    #[must_use]
    pub const fn argument(self) -> u64 {
        environment_argument(self.index, self.generation)
    }

    /// The environment that a call's value names.
    #[must_use]
    pub const fn from_value(value: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
        Self { index: u32::from_le_bytes([a, b, c, d]), generation: u32::from_le_bytes([e, f, g, h]) }
    }
}

impl fmt::Display for EnvironmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}
