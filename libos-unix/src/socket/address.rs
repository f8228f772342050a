//! Names of sockets: struct sockaddr_un (unix(7)).

use crate::errno::{Errno, Result};
use alloc::vec::Vec;

/// AF_UNIX.
pub const FAMILY: u16 = 1;
/// Bytes of a path in an address.
const MOST_PATH: usize = 108;
/// Bytes of an address, at most.
pub const MOST: usize = 2 + MOST_PATH;

/// A name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// None.
    #[default]
    Unnamed,
    /// A path, without the zero at its end.
    Path(Vec<u8>),
    /// Bytes that are in no file system; what is said behind the zero at their beginning.
    Abstract(Vec<u8>),
}

impl Address {
    /// Takes one from bytes as programs give it.
    ///
    /// # Errors
    /// EINVAL.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (family, name) = bytes.split_first_chunk::<2>().ok_or(Errno::EINVAL)?;
        if u16::from_le_bytes(*family) != FAMILY || bytes.len() > MOST {
            return Err(Errno::EINVAL);
        }
        Ok(match name.first() {
            None => Self::Unnamed,
            Some(0) => Self::Abstract(name[1..].to_vec()),
            Some(_) => {
                let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
                Self::Path(name[..end].to_vec())
            }
        })
    }

    /// As programs see it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = FAMILY.to_le_bytes().to_vec();
        match self {
            Self::Unnamed => {}
            Self::Path(path) => {
                bytes.extend_from_slice(path);
                bytes.push(0);
            }
            Self::Abstract(name) => {
                bytes.push(0);
                bytes.extend_from_slice(name);
            }
        }
        bytes
    }
}
