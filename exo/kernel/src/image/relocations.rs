//! The words of an image that depend on where it lies.

use super::dynamic::{ADDEND_ENTRY, PACKED_ENTRY, Tables};
use super::{ImageError, ImagePlan, Rights};
use elf::abi;

const WORD: u64 = 8;
/// Bits of a packed bitmap that name words: the lowest marks it as a bitmap.
const BITMAP_WORDS: u64 = 63;

/// One word to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Virtual address of the word, a multiple of 8, in a writable page of the image.
    pub address: u64,
    /// What the word becomes.
    pub value: u64,
}

/// The relocations of a plan, in the order in which they are to be written.
#[derive(Clone, Debug)]
pub struct Relocations<'plan, 'a> {
    walk: Walk<'plan, 'a>,
}

impl<'plan, 'a> Relocations<'plan, 'a> {
    /// Those of a plan in which the walk has met no error.
    pub(super) fn checked(tables: &Tables<'a>, plan: &'plan ImagePlan<'a>) -> Self {
        Self { walk: tables.relocations(plan) }
    }
}

impl Iterator for Relocations<'_, '_> {
    type Item = Relocation;

    fn next(&mut self) -> Option<Relocation> {
        self.walk.next()?.ok()
    }
}

impl<'a> Tables<'a> {
    /// Walks over all entries, checking each.
    pub(super) fn relocations<'plan>(&self, plan: &'plan ImagePlan<'a>) -> Walk<'plan, 'a> {
        Walk { plan, addends: self.addends, packed: self.packed, next_word: None, bitmap: 0, bitmap_base: 0 }
    }
}

/// Bounded by the file: an entry of 8 bytes names 63 words at most.
#[derive(Clone, Debug)]
pub(super) struct Walk<'plan, 'a> {
    plan: &'plan ImagePlan<'a>,
    addends: &'a [u8],
    packed: &'a [u8],
    /// Where the next bitmap's first word is.
    next_word: Option<u64>,
    /// What is left of the current bitmap, and the word that its lowest bit names.
    bitmap: u64,
    bitmap_base: u64,
}

impl Iterator for Walk<'_, '_> {
    type Item = Result<Relocation, ImageError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_with_addend().or_else(|| self.next_packed())
    }
}

impl Walk<'_, '_> {
    fn next_with_addend(&mut self) -> Option<Result<Relocation, ImageError>> {
        let size = usize::try_from(ADDEND_ENTRY).ok()?;
        loop {
            let (entry, rest) = self.addends.split_at_checked(size)?;
            self.addends = rest;
            let (place, information, addend) = (word(entry, 0)?, word(entry, 8)?, word(entry, 16)?);
            let kind = u32::try_from(information & u64::from(u32::MAX)).ok()?;
            match kind {
                abi::R_X86_64_NONE => {}
                abi::R_X86_64_RELATIVE => return Some(self.relocation(place, Some(addend))),
                kind => return Some(Err(ImageError::RelocationKind { kind })),
            }
        }
    }

    fn next_packed(&mut self) -> Option<Result<Relocation, ImageError>> {
        let size = usize::try_from(PACKED_ENTRY).ok()?;
        loop {
            if self.bitmap != 0 {
                let place = self.bitmap_base.wrapping_add(WORD * u64::from(self.bitmap.trailing_zeros()));
                self.bitmap &= self.bitmap - 1;
                return Some(self.relocation(place, None));
            }
            let (entry, rest) = self.packed.split_at_checked(size)?;
            self.packed = rest;
            let entry = word(entry, 0)?;
            if entry.is_multiple_of(2) {
                self.next_word = Some(entry.wrapping_add(WORD));
                return Some(self.relocation(entry, None));
            }
            let Some(base) = self.next_word else {
                return Some(Err(ImageError::RelocationPlace { address: entry })); // a bitmap of nothing
            };
            (self.bitmap, self.bitmap_base) = (entry >> 1, base);
            self.next_word = Some(base.wrapping_add(WORD * BITMAP_WORDS));
        }
    }

    /// The relocation at a place before moving; without an addend it stands at the place itself.
    fn relocation(&self, place: u64, addend: Option<u64>) -> Result<Relocation, ImageError> {
        let address = place.wrapping_add(self.plan.bias);
        let mut segments = self.plan.segments().iter();
        let writable = segments.any(|segment| segment.rights == Rights::Write && segment.holds(address, WORD));
        if !writable || !address.is_multiple_of(WORD) {
            return Err(ImageError::RelocationPlace { address });
        }
        let value = addend.unwrap_or_else(|| self.plan.word_at(address)).wrapping_add(self.plan.bias);
        Ok(Relocation { address, value })
    }
}

fn word(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}
