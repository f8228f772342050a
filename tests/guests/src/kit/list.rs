//! Lists of runs in memory of the guest's own.

use alloc::string::String;
use exo_user::abi::boot_page::FrameRun;
use exo_user::frames;

/// A frame with a list in it.
#[derive(Debug)]
pub struct List {
    physical: u64,
}

impl List {
    /// A list in a frame of its own.
    ///
    /// # Errors
    /// Where there is no frame.
    pub fn new(runs: &[(u64, u64)]) -> Result<List, String> {
        let list = List { physical: frames::allocate().ok_or("no frame for a list")?.leak() };
        list.write(runs);
        Ok(list)
    }

    /// Writes runs over what is there.
    pub fn write(&self, runs: &[(u64, u64)]) {
        for (index, &(first, count)) in runs.iter().take(256).enumerate() {
            // SAFETY: the frame is this list's and holds 256 runs.
            unsafe { self.words().add(index).write_volatile(FrameRun { first, count }) };
        }
    }

    /// The runs.
    #[must_use]
    pub fn words(&self) -> *mut FrameRun {
        frames::window(self.physical).cast()
    }

    /// Keeps the list for ever; where it is.
    #[must_use]
    pub fn leak(self) -> u64 {
        core::mem::ManuallyDrop::new(self).physical
    }

    /// Where it is.
    #[must_use]
    pub const fn physical(&self) -> u64 {
        self.physical
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the frame was leaked by `new`, and the list is gone.
        drop(unsafe { frames::Frame::from_leaked(self.physical) });
    }
}
