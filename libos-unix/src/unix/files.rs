//! What happens to processes when they use files: locks that go, terminals that object.

use super::Unix;
use crate::file::Description;
use crate::process::Process;
use crate::syscall::{Call, Stop};
use alloc::rc::Rc;

impl Unix {
    /// A descriptor of a process was closed.
    pub fn close(&self, _process: &Process, description: Rc<Description>) {
        drop(description);
    }

    /// Whether a process may read or write a file now, as far as job control has to do with it.
    ///
    /// # Errors
    /// The call is over, or made again after a signal.
    pub fn may_use_terminal(
        &self,
        _call: &Call<'_>,
        _description: &Description,
        _reading: bool,
    ) -> core::result::Result<(), Stop> {
        Ok(())
    }
}
