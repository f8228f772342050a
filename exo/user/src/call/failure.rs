//! A call's failure, and a reply as a result.

use super::Reply;
use core::fmt;
use exo_abi::error::Error;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The reason.
    pub error: Error,
    /// What was wrong: a frame, a position, an argument; 0 where there is nothing to name.
    pub detail: u64,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, detail: 0 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        if self.detail == 0 { Ok(()) } else { write!(f, " ({:#x})", self.detail) }
    }
}

impl core::error::Error for Failure {}

impl Reply {
    /// The reply as a result.
    ///
    /// # Errors
    /// The call's error.
    ///
    /// # Panics
    /// If the error is one that this version of the contract does not name: such a kernel must not have
    /// presented this version in the boot page.
    pub fn result(self) -> Result<u64, Failure> {
        match Error::from_number(self.code) {
            Some(error) => Err(Failure { error, detail: self.value }),
            None if self.code == 0 => Ok(self.value),
            None => panic!("the kernel answered with error {}, which the contract does not name", self.code),
        }
    }
}
