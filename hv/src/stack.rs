//! Kernel stacks: mapped away from everything else, with a guard page below, never given back.

use crate::addr::HostVirtual;
use crate::kernel_space;
use crate::pool::KernelFrame;

/// A stack of the kernel.
#[derive(Debug)]
pub struct Stack(HostVirtual);

/// Why there is no stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackError {
    /// The kernel's pool has no run of frames that long.
    NoFrames,
    /// The kernel's pool has no frame for a page table.
    NoTable,
}

impl Stack {
    /// Allocates and maps a stack of so many frames.
    ///
    /// # Errors
    /// [`StackError`] where the kernel's memory does not suffice.
    pub fn allocate(frames: u64) -> Result<Self, StackError> {
        let (first, _) = KernelFrame::take_run(frames).ok_or(StackError::NoFrames)?;
        kernel_space::map_stack(first, frames).map(Self).map_err(|_| StackError::NoTable)
    }

    /// The address above the stack.
    #[must_use]
    pub fn top(&self) -> HostVirtual {
        self.0
    }
}
