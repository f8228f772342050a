//! Page faults: pages that come when they are touched, copies that come when they are written.

use super::space::{GUARD, USER_END, area_of};
use super::table::{Bits, Place};
use super::{AddressSpace, Area, Backing, Frame, PAGE, Protection, page_of};
use crate::errno::Errno;
use crate::machine;

/// What the program did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Executing.
    Execute,
}

/// Why it may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCode {
    /// Nothing is there: SIGSEGV, SEGV_MAPERR.
    NotMapped,
    /// The area does not allow it: SIGSEGV, SEGV_ACCERR.
    NotAllowed,
    /// The area allows nothing at all: the same.
    Untouchable,
    /// The file ends before: SIGBUS, BUS_ADRERR.
    BeyondFile,
    /// There is no memory.
    OutOfMemory,
}

/// An access that cannot be made good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The address.
    pub address: u64,
    /// Why.
    pub code: FaultCode,
}

/// The bits of a page of an area that may be written at once where the area may.
fn bits(area: &Area, writable: bool) -> Bits {
    let mut bits = Bits::PRESENT | Bits::USER;
    bits.set(Bits::WRITE, writable && area.protection.contains(Protection::WRITE));
    bits.set(Bits::NO_EXECUTE, !area.protection.contains(Protection::EXECUTE));
    bits
}

impl AddressSpace {
    /// Makes an access possible, where the program may make it.
    ///
    /// # Errors
    /// [`Fault`], where it may not, or not now.
    pub fn fault(&mut self, address: u64, access: Access) -> Result<(), Fault> {
        self.resolve(address, access).map_err(|code| Fault { address, code })
    }

    fn resolve(&mut self, address: u64, access: Access) -> Result<(), FaultCode> {
        if address >= USER_END {
            return Err(FaultCode::NotMapped);
        }
        let Some(area) = area_of(&self.areas, address) else {
            self.grow_stack(address)?;
            return self.resolve(address, access);
        };
        // Whatever can be written or executed can be read on this machine.
        let allowed = match access {
            Access::Read => !area.protection.is_empty(),
            Access::Write => area.protection.contains(Protection::WRITE),
            Access::Execute => area.protection.contains(Protection::EXECUTE),
        };
        if !allowed {
            let nothing = area.protection.is_empty();
            return Err(if nothing { FaultCode::Untouchable } else { FaultCode::NotAllowed });
        }
        let page = page_of(address);
        let place = self.table.make(page).map_err(|_| FaultCode::OutOfMemory)?;
        if place.get().is_present() {
            if access == Access::Write {
                make_writable(area, place)?;
            }
            // Also where another thread was faster: the TLB may remember what was.
            machine::flush_page(page);
            return Ok(());
        }
        let (frame, writable) = first_frame(area, page, access == Access::Write)?;
        place.replace(frame, bits(area, writable));
        Ok(())
    }

    /// The stack grows to an address that is near below it.
    fn grow_stack(&mut self, address: u64) -> Result<(), FaultCode> {
        let page = page_of(address);
        let (&start, area) = self.areas.range(address..).next().ok_or(FaultCode::NotMapped)?;
        if !area.grows || area.end - page > self.stack_limit {
            return Err(FaultCode::NotMapped);
        }
        let below = self.areas.range(..page).next_back().map(|(_, area)| area);
        let near = |area: &Area| area.end > page.saturating_sub(GUARD) && !area.protection.is_empty();
        if below.is_some_and(near) || self.bytes().saturating_add(start - page) > self.limit {
            return Err(FaultCode::NotMapped);
        }
        if let Some(mut area) = self.areas.remove(&start) {
            area.start = page;
            self.areas.insert(page, area);
        }
        Ok(())
    }
}

/// A page that is there is written for the first time since it is shared.
fn make_writable(area: &Area, place: Place) -> Result<(), FaultCode> {
    let leaf = place.get();
    let writable = bits(area, true);
    if leaf.bits().contains(Bits::WRITE) {
        return Ok(());
    }
    if area.shared || leaf.with_frame(Frame::is_alone) {
        place.set_bits(writable | Bits::ACCESSED | Bits::DIRTY);
        return Ok(());
    }
    let copy = leaf.with_frame(Frame::copied).map_err(|_| FaultCode::OutOfMemory)?;
    drop(place.replace(copy, writable));
    Ok(())
}

/// The frame that a page gets when it is touched for the first time, and whether it can be written at once.
fn first_frame(area: &Area, page: u64, writes: bool) -> Result<(Frame, bool), FaultCode> {
    let memory = |_| FaultCode::OutOfMemory;
    match &area.backing {
        Backing::Zeros if writes => Ok((Frame::zeroed().map_err(memory)?, true)),
        Backing::Zeros => Ok((machine::zero_frame().ok_or(FaultCode::OutOfMemory)?, false)),
        Backing::File(file, first) => {
            let index = first + (page - area.start) / PAGE;
            let frame = file.page(index).map_err(|error| match error {
                Errno::ENOMEM | Errno::ENOSPC => FaultCode::OutOfMemory,
                _ => FaultCode::BeyondFile,
            })?;
            let frame = frame.ok_or(FaultCode::BeyondFile)?;
            if writes && !area.shared {
                return Ok((frame.copied().map_err(memory)?, true));
            }
            Ok((frame, area.shared))
        }
    }
}
