//! VM exits, which this program cannot see: the Unix library OS shows them in a file.

use crate::files::Handle;
use measure::{Counts, Transitions};

/// The file, with the exits that the library OS and its programs have caused, and how many of them were loads of CR3.
pub const FILE: &std::ffi::CStr = c"/proc/exits";

/// Who counts transitions.
#[derive(Clone, Copy, Debug)]
pub enum Counter {
    /// Nobody: Linux.
    Nobody,
    /// The kernel below the library OS; loads of CR3 too where they are exits.
    Kernel { file: Handle, cr3: bool },
}

impl Transitions for Counter {
    fn so_far(&self) -> Option<Counts> {
        let Counter::Kernel { file, cr3 } = self else { return None };
        let mut text = [0; 64];
        let mut numbers = std::str::from_utf8(file.read_at(&mut text, 0)?).ok()?.split_whitespace();
        let mut next = || numbers.next()?.parse::<u64>().ok();
        let (exits, loads) = (next()?, next()?);
        Some(Counts { exits, cr3: cr3.then_some(loads) })
    }
}
