//! What the TLB must forget: collected over a batch of edits and done once.

use crate::cpu;

/// Pages that are forgotten one by one; more are forgotten by forgetting everything.
const MOST: usize = 16;
/// CR4.PGE.
const GLOBAL_PAGES: u64 = 1 << 7;

/// Translations that a CPU may still hold. Until it has forgotten them, edits are not in force.
#[derive(Debug, Default)]
#[must_use = "the CPU goes on with the old translations until it has forgotten them"]
pub struct Flush {
    pages: [u64; MOST],
    count: usize,
    everything: bool,
    global: bool,
}

/// Proof that a flush was done.
#[derive(Debug)]
pub struct Flushed(());

impl Flush {
    /// Adds the translation of an address.
    pub(crate) fn add(&mut self, address: u64, global: bool) {
        self.global |= global;
        match self.pages.get_mut(self.count) {
            Some(place) => {
                *place = address;
                self.count += 1;
            }
            None => self.everything = true,
        }
    }

    /// Adds every translation there is.
    pub(crate) fn add_everything(&mut self) {
        self.everything = true;
        self.global = true;
    }

    /// Adds another batch.
    pub fn merge(&mut self, other: Flush) {
        self.everything |= other.everything;
        self.global |= other.global;
        other.pages.iter().take(other.count).for_each(|&page| self.add(page, other.global));
    }

    /// Whether there is nothing to forget.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0 && !self.everything
    }

    /// The addresses to forget; `None` where everything is.
    #[must_use]
    pub fn pages(&self) -> Option<&[u64]> {
        (!self.everything).then_some(&self.pages[..self.count])
    }

    /// Makes this virtual CPU forget. It costs no exit. Other virtual CPUs that use the same table are the caller's affair.
    pub fn here(self) -> Flushed {
        match self.pages() {
            Some(pages) => pages.iter().for_each(|&page| cpu::invalidate_page(page)),
            None if self.global => {
                let cr4 = cpu::read_cr4();
                // SAFETY: turning global pages off and on again changes nothing but what the TLB holds.
                unsafe {
                    cpu::write_cr4(cr4 & !GLOBAL_PAGES);
                    cpu::write_cr4(cr4);
                    cpu::write_cr3(cpu::read_cr3());
                }
            }
            // SAFETY: the same table again.
            None => unsafe { cpu::write_cr3(cpu::read_cr3()) },
        }
        Flushed(())
    }

    /// Does nothing.
    ///
    /// # Safety
    /// No CPU holds these translations: the table is in force nowhere, or they are forgotten in another way.
    pub const unsafe fn not_needed(self) -> Flushed {
        Flushed(())
    }
}
