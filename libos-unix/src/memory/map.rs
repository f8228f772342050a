//! Mapping, unmapping and protecting ranges: mmap(2), munmap(2), mprotect(2), brk(2), madvise(2).

use super::space::{LOWEST, USER_END};
use super::table::Bits;
use super::{AddressSpace, Area, Backing, Inherited, PAGE, Protection, round_up};
use crate::errno::{Errno, Result};
use crate::machine;
use core::ops::Range;

bitflags::bitflags! {
    /// How to map, as mmap(2) numbers it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MapFlags: u32 {
        /// Changes reach the file and everybody who shares it.
        const SHARED = 0x1;
        /// Changes stay with the process.
        const PRIVATE = 0x2;
        /// Shared, and unknown flags are refused.
        const SHARED_VALIDATE = 0x3;
        /// Just there, whatever is there now.
        const FIXED = 0x10;
        /// Without a file.
        const ANONYMOUS = 0x20;
        /// A stack.
        const GROWSDOWN = 0x100;
        /// Once meant something.
        const DENYWRITE = 0x800;
        /// Once meant something.
        const EXECUTABLE = 0x1000;
        /// Never to be paged out; nothing is.
        const LOCKED = 0x2000;
        /// Not to be accounted; nothing is.
        const NORESERVE = 0x4000;
        /// Pages are wanted at once.
        const POPULATE = 0x8000;
        /// Not to wait for them.
        const NONBLOCK = 0x1_0000;
        /// Once meant something.
        const STACK = 0x2_0000;
        /// Just there, if nothing is there.
        const FIXED_NOREPLACE = 0x10_0000;
    }
}

/// Areas of one space, at most (Linux: vm.max_map_count).
pub(super) const MOST_AREAS: usize = 65_530;

/// What is to be mapped.
#[derive(Clone, Debug)]
pub struct MapRequest {
    /// Where; a wish, unless the flags say otherwise.
    pub address: u64,
    /// How much.
    pub bytes: u64,
    /// What the program may do.
    pub protection: Protection,
    /// What it may be changed to.
    pub most: Protection,
    /// How.
    pub flags: MapFlags,
    /// Of what.
    pub backing: Backing,
}

impl AddressSpace {
    /// Maps; where.
    ///
    /// # Errors
    /// EINVAL, ENOMEM, EEXIST, as mmap(2) says.
    pub fn map(&mut self, request: MapRequest) -> Result<u64> {
        let bytes = round_up(request.bytes).filter(|&bytes| bytes <= USER_END).ok_or(Errno::ENOMEM)?;
        if bytes == 0 {
            return Err(Errno::EINVAL);
        }
        if self.areas.len() >= MOST_AREAS || !machine::has_room(0) {
            return Err(Errno::ENOMEM);
        }
        let start = self.place(&request, bytes)?;
        let range = start..start + bytes;
        let fixed = request.flags.contains(MapFlags::FIXED);
        let replaced = if fixed { self.bytes_in(&range) } else { 0 };
        if self.limit != u64::MAX && self.bytes() - replaced + bytes > self.limit {
            return Err(Errno::ENOMEM);
        }
        if fixed {
            self.remove(range.clone());
        }
        let shared = request.flags.contains(MapFlags::SHARED);
        let grows = request.flags.contains(MapFlags::GROWSDOWN);
        let MapRequest { protection, most, backing, .. } = request;
        self.areas.insert(
            start,
            Area { start, end: range.end, protection, most, shared, grows, inherited: Inherited::Same, backing },
        );
        if !grows {
            self.join(&range);
        }
        if request.flags.contains(MapFlags::POPULATE) && !request.flags.contains(MapFlags::NONBLOCK) {
            self.populate(range);
        }
        Ok(start)
    }

    fn place(&self, request: &MapRequest, bytes: u64) -> Result<u64> {
        let address = request.address;
        let fits = |start: u64| start.checked_add(bytes).is_some_and(|end| end <= USER_END);
        if request.flags.intersects(MapFlags::FIXED | MapFlags::FIXED_NOREPLACE) {
            if !address.is_multiple_of(PAGE) {
                return Err(Errno::EINVAL);
            }
            if !fits(address) {
                return Err(Errno::ENOMEM);
            }
            if address < LOWEST {
                return Err(Errno::EPERM);
            }
            let free = request.flags.contains(MapFlags::FIXED) || self.is_free(&(address..address + bytes));
            return if free { Ok(address) } else { Err(Errno::EEXIST) };
        }
        let wished = address & !(PAGE - 1);
        let possible = wished >= LOWEST && fits(wished);
        if possible && self.is_free(&(wished..wished + bytes)) { Ok(wished) } else { self.free_range(bytes) }
    }

    /// Bytes of areas in a range.
    pub(super) fn bytes_in(&self, range: &Range<u64>) -> u64 {
        let below = self.areas.range(..range.start).next_back();
        let parts = below.into_iter().chain(self.areas.range(range.clone()));
        parts.map(|(_, area)| area.end.min(range.end).saturating_sub(area.start.max(range.start))).sum()
    }

    /// Fetches the pages of a range, as far as that is possible.
    pub fn populate(&mut self, range: Range<u64>) {
        for page in range.step_by(PAGE as usize) {
            let Some(area) = self.area(page) else { continue };
            let writes = area.protection.contains(Protection::WRITE) && !area.shared;
            let access = if writes { super::Access::Write } else { super::Access::Read };
            if self.fault(page, access).is_err() {
                return;
            }
        }
    }

    /// A range as programs name it: an address of a page, and any number of bytes.
    pub(super) fn range(address: u64, bytes: u64) -> Result<Range<u64>> {
        let bytes = round_up(bytes).ok_or(Errno::EINVAL)?;
        let end = address.checked_add(bytes).filter(|&end| end <= USER_END);
        if !address.is_multiple_of(PAGE) {
            return Err(Errno::EINVAL);
        }
        end.map(|end| address..end).ok_or(Errno::EINVAL)
    }

    /// Unmaps what is in a range.
    ///
    /// # Errors
    /// EINVAL.
    pub fn unmap(&mut self, address: u64, bytes: u64) -> Result<()> {
        let range = Self::range(address, bytes)?;
        if range.is_empty() {
            return Err(Errno::EINVAL);
        }
        self.check_cut(&range)?;
        self.remove(range);
        Ok(())
    }

    /// Changes what the program may do with a range.
    ///
    /// # Errors
    /// EINVAL; ENOMEM where the range is not mapped as a whole, and what is before the gap is changed; EACCES where a file was
    /// not opened for that.
    pub fn protect(&mut self, address: u64, bytes: u64, protection: Protection) -> Result<()> {
        let wide = Self::range(address, bytes).map_err(|error| {
            let aligned = address.is_multiple_of(PAGE);
            if aligned && round_up(bytes).is_some() { Errno::ENOMEM } else { error }
        })?;
        if wide.is_empty() {
            return Ok(());
        }
        self.check_cut(&wide)?;
        self.cut(&wide);
        let (mut at, mut outcome) = (wide.start, Ok(()));
        while at < wide.end {
            let Some(area) = self.areas.get_mut(&at) else {
                outcome = Err(Errno::ENOMEM);
                break;
            };
            if !area.most.contains(protection) {
                outcome = Err(Errno::EACCES);
                break;
            }
            area.protection = protection;
            at = area.end;
        }
        self.apply_protection(wide.start..at, protection);
        self.join(&wide);
        outcome
    }

    fn apply_protection(&self, range: Range<u64>, protection: Protection) {
        let mut any = false;
        self.table.each(range, |_, place| {
            let mut bits = place.get().bits();
            // Writing comes back by a fault, which looks at who shares the page.
            bits -= Bits::WRITE;
            bits.set(Bits::NO_EXECUTE, !protection.contains(Protection::EXECUTE));
            // A page that may not be touched stays, out of the program's reach.
            bits.set(Bits::USER, !protection.is_empty());
            place.set_bits(bits);
            any = true;
        });
        if any {
            machine::flush_all();
        }
    }

    /// Moves the end of the heap; where it is then. What cannot be done leaves it where it is.
    pub fn set_break(&mut self, wanted: u64) -> u64 {
        let (start, end) = self.layout.heap;
        let (Some(old), Some(new)) = (round_up(end), round_up(wanted)) else { return end };
        let data = self.layout.data.1 - self.layout.data.0;
        if wanted < start || wanted > USER_END || (wanted - start).saturating_add(data) > self.data_limit {
            return end;
        }
        if new < old {
            self.remove(new..old);
        } else if new > old {
            // A gap stays before whatever comes next, so that the heap does not run into a stack.
            let room = old..new + PAGE;
            if !self.is_free(&room) || self.bytes() + (new - old) > self.limit {
                return end;
            }
            let protection = Protection::READ | Protection::WRITE;
            let most = Protection::all();
            let (shared, grows, inherited, backing) = (false, false, Inherited::Same, Backing::Zeros);
            self.areas.insert(old, Area { start: old, end: new, protection, most, shared, grows, inherited, backing });
            self.join(&(old..new));
        }
        self.layout.heap.1 = wanted;
        wanted
    }

    /// madvise(2).
    ///
    /// # Errors
    /// EINVAL, ENOMEM where the range is not mapped as a whole.
    pub fn advise(&mut self, address: u64, bytes: u64, advice: u32) -> Result<()> {
        const DONT_NEED: u32 = 4;
        const FREE: u32 = 8;
        const REMOVE: u32 = 9;
        const KNOWN: [u32; 19] = [0, 1, 2, 3, DONT_NEED, FREE, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22];
        if !KNOWN.contains(&advice) {
            return Err(if advice == REMOVE { Errno::EOPNOTSUPP } else { Errno::EINVAL });
        }
        let range = Self::range(address, bytes)?;
        let mapped = self.bytes_in(&range) == range.end - range.start;
        if advice == FREE {
            let file = |area: &Area| area.shared || matches!(area.backing, Backing::File(..));
            if self.areas.values().any(|area| area.start < range.end && area.end > range.start && file(area)) {
                return Err(Errno::EINVAL);
            }
        }
        if advice == DONT_NEED || advice == FREE {
            self.drop_pages(range);
        }
        let inherited = match advice {
            10 => Some(Inherited::Nothing),
            11 | 19 => Some(Inherited::Same),
            18 => Some(Inherited::Zeros),
            _ => None,
        };
        if let Some(inherited) = inherited {
            let range = Self::range(address, bytes)?;
            self.cut(&range);
            for start in self.starts(&range) {
                let area = self.areas.get_mut(&start).ok_or(Errno::ENOMEM)?;
                if inherited == Inherited::Zeros && (area.shared || matches!(area.backing, Backing::File(..))) {
                    return Err(Errno::EINVAL);
                }
                area.inherited = inherited;
            }
            self.join(&range);
        }
        if mapped { Ok(()) } else { Err(Errno::ENOMEM) }
    }
}
