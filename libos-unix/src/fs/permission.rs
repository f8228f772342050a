//! Who may do what with a file.

use crate::errno::{Errno, Result};
use crate::file::{Credentials, Kind, Status};

bitflags::bitflags! {
    /// What one wants to do, as access(2) numbers it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Access: u32 {
        /// Execute, or search a directory.
        const EXECUTE = 1;
        /// Write.
        const WRITE = 2;
        /// Read.
        const READ = 4;
    }
}

/// Whether somebody may.
///
/// # Errors
/// EACCES.
pub(super) fn check(credentials: &Credentials, status: &Status, wanted: Access) -> Result<()> {
    let user = credentials.file_user();
    if user == 0 {
        // Whoever may everything may not execute what nobody may.
        let executable = status.kind == Kind::Directory || status.permissions & 0o111 != 0;
        return if executable || !wanted.contains(Access::EXECUTE) { Ok(()) } else { Err(Errno::EACCES) };
    }
    let shift = if user == status.user {
        6
    } else if credentials.is_member(status.group) {
        3
    } else {
        0
    };
    let allowed = Access::from_bits_truncate(status.permissions >> shift & 7);
    if allowed.contains(wanted) { Ok(()) } else { Err(Errno::EACCES) }
}

/// Whether somebody may take a name out of a directory: in a sticky one only who owns it or the file.
///
/// # Errors
/// EACCES, EPERM.
pub(super) fn check_removal(credentials: &Credentials, directory: &Status, file: &Status) -> Result<()> {
    const STICKY: u32 = 0o1000;
    check(credentials, directory, Access::WRITE | Access::EXECUTE)?;
    let user = credentials.file_user();
    let sticky = directory.permissions & STICKY != 0;
    if sticky && user != 0 && user != file.user && user != directory.user {
        return Err(Errno::EPERM);
    }
    Ok(())
}

/// Whether somebody owns a file, or may everything.
///
/// # Errors
/// EPERM.
pub(super) fn check_owner(credentials: &Credentials, status: &Status) -> Result<()> {
    let user = credentials.file_user();
    if user == 0 || user == status.user { Ok(()) } else { Err(Errno::EPERM) }
}
