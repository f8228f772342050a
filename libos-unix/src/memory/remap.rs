//! Moving and resizing: mremap(2).

use super::table::Place;
use super::{AddressSpace, Area, Backing, PAGE, round_up};
use crate::errno::{Errno, Result};
use crate::machine;
use alloc::vec::Vec;

bitflags::bitflags! {
    /// How to remap, as mremap(2) numbers it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RemapFlags: u32 {
        /// To another place, if there is no room here.
        const MAYMOVE = 1;
        /// To a given place.
        const FIXED = 2;
        /// The old place stays mapped, without its pages.
        const DONTUNMAP = 4;
    }
}

impl AddressSpace {
    /// Resizes or moves what is mapped; where it is then.
    ///
    /// # Errors
    /// EINVAL, EFAULT, ENOMEM, as mremap(2) says.
    pub fn remap(&mut self, old: u64, old_bytes: u64, new_bytes: u64, flags: u32, to: u64) -> Result<u64> {
        let flags = RemapFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
        let (Some(old_bytes), Some(new_bytes)) = (round_up(old_bytes), round_up(new_bytes)) else {
            return Err(Errno::EINVAL);
        };
        let (fixed, keep) = (flags.contains(RemapFlags::FIXED), flags.contains(RemapFlags::DONTUNMAP));
        let needs_move = fixed || keep;
        if !old.is_multiple_of(PAGE) || new_bytes == 0 || (needs_move && !flags.contains(RemapFlags::MAYMOVE)) {
            return Err(Errno::EINVAL);
        }
        if fixed {
            let target = Self::range(to, new_bytes)?;
            if target.start < old + old_bytes && old < target.end {
                return Err(Errno::EINVAL);
            }
        }
        let area = self.area(old).ok_or(Errno::EFAULT)?.clone();
        if old_bytes == 0 && !area.shared || keep && old_bytes != new_bytes {
            return Err(Errno::EINVAL);
        }
        if old + old_bytes > area.end {
            return Err(Errno::EFAULT);
        }
        if !needs_move {
            if new_bytes <= old_bytes {
                self.remove(old + new_bytes..old + old_bytes);
                return Ok(old);
            }
            if self.extend(&area, old + old_bytes, new_bytes - old_bytes)? {
                return Ok(old);
            }
            if !flags.contains(RemapFlags::MAYMOVE) {
                return Err(Errno::ENOMEM);
            }
        }
        if self.bytes() + new_bytes - if keep { 0 } else { old_bytes.min(new_bytes) } > self.limit {
            return Err(Errno::ENOMEM);
        }
        if fixed {
            self.remove(to..to + new_bytes);
        }
        let target = if fixed { to } else { self.free_range(new_bytes)? };
        self.move_area(old, old_bytes, target, new_bytes, keep)?;
        Ok(target)
    }

    /// Makes an area longer at its end, where nothing is in the way; whether that was so.
    fn extend(&mut self, area: &Area, end: u64, bytes: u64) -> Result<bool> {
        let Some(new_end) = end.checked_add(bytes).filter(|&end| end <= super::USER_END) else { return Ok(false) };
        if area.end != end || !self.is_free(&(end..new_end)) {
            return Ok(false);
        }
        if self.bytes() + bytes > self.limit {
            return Err(Errno::ENOMEM);
        }
        if let Some(area) = self.areas.get_mut(&area.start) {
            area.end = new_end;
        }
        self.join(&(end..new_end));
        Ok(true)
    }

    fn move_area(&mut self, old: u64, old_bytes: u64, to: u64, bytes: u64, keep: bool) -> Result<()> {
        let moved = old..old + old_bytes.min(bytes);
        // The tables first: nothing has moved where one is missing.
        let mut pages: Vec<(u64, Place)> = Vec::new();
        self.table.each(moved, |address, place| pages.push((address, place)));
        for (address, _) in &pages {
            if let Err(error) = self.table.make(to + (address - old)) {
                // Where nothing is mapped no tables may stay.
                self.remove(to..to + bytes);
                return Err(error);
            }
        }
        self.cut(&(old..old + old_bytes));
        let mut area = self.area(old).ok_or(Errno::EFAULT)?.clone();
        if old_bytes == 0
            && let Backing::File(file, page) = &area.backing
        {
            // A second mapping of what is shared.
            area.backing = Backing::File(file.clone(), page + (old - area.start) / PAGE);
        }
        (area.start, area.end, area.grows) = (to, to + bytes, false);
        for (address, place) in pages {
            let bits = place.get().bits();
            if let Some(frame) = place.take() {
                drop(self.table.make(to + (address - old))?.replace(frame, bits));
            }
        }
        machine::flush_all();
        self.areas.insert(to, area);
        if !keep {
            self.remove(old..old + old_bytes);
        }
        self.join(&(to..to + bytes));
        Ok(())
    }
}
