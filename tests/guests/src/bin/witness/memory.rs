//! A pattern in every free frame, different for every word and every run, and a sum over the boot page.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use exo_user::abi::boot_page::BootPage;
use exo_user::frames::{self, Frame};

/// Frames left for the heap and the page tables.
const RESERVE: u64 = 48;

pub struct Pattern {
    key: u64,
    frames: Vec<u64>,
    boot: &'static BootPage,
    boot_sum: u64,
}

const fn word(key: u64, address: u64) -> u64 {
    (key ^ address).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The words of a frame, through the window. Volatile on purpose: the audit must look at memory each time.
fn words(physical: u64) -> impl Iterator<Item = (u64, *mut u64)> {
    (0..512).map(move |index| (physical + index * 8, frames::window(physical + index * 8).cast()))
}

/// A running sum over the boot page, which nobody may change.
fn sum(boot: &BootPage) -> u64 {
    words(boot.boot_page_physical).fold(0, |sum, (address, pointer)| {
        // SAFETY: the page is the environment's own, mapped in the window.
        word(sum, address ^ unsafe { pointer.read_volatile() })
    })
}

impl Pattern {
    /// Takes every free frame but a reserve and writes the pattern.
    pub fn fill(boot: &'static BootPage, key: u64) -> Pattern {
        let count = frames::available();
        let mut frames: Vec<u64> = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        for _ in 0..frames::available().saturating_sub(RESERVE) {
            let Some(physical) = frames::allocate().map(Frame::leak) else { break };
            for (address, pointer) in words(physical) {
                // SAFETY: the frame was just taken and is never given back.
                unsafe { pointer.write_volatile(word(key, address)) };
            }
            frames.push(physical);
        }
        Pattern { key, frames, boot, boot_sum: sum(boot) }
    }

    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// Compares every word.
    pub fn audit(&self) -> Result<(), String> {
        if sum(self.boot) != self.boot_sum {
            return Err("the boot page changed".into());
        }
        for (address, pointer) in self.frames.iter().flat_map(|&physical| words(physical)) {
            // SAFETY: a frame of the pattern, which only this type touches.
            let seen = unsafe { pointer.read_volatile() };
            let expected = word(self.key, address);
            if seen != expected {
                return Err(format!("memory at {address:#x} holds {seen:#x} instead of {expected:#x}"));
            }
        }
        Ok(())
    }
}
