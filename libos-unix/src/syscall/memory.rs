//! Memory.

use super::{Call, Outcome};
use crate::errno::{Errno, Result};
use crate::fs::{NodeFile, Seals};
use crate::memory::{Backing, MapFlags, MapRequest, PAGE, Protection, SharedMemory, round_up};
use alloc::rc::Rc;
use core::cell::Cell;

pub(super) fn mmap(call: &Call<'_>) -> Outcome {
    let [address, bytes, protection, flags, descriptor, offset] = call.arguments();
    let protection = Protection::from_bits_truncate(protection as u32);
    let flags = MapFlags::from_bits_truncate(flags as u32);
    if !offset.is_multiple_of(PAGE) || !flags.intersects(MapFlags::SHARED_VALIDATE) {
        return Err(Errno::EINVAL.into());
    }
    if bytes == 0 {
        return Err(Errno::EINVAL.into());
    }
    if flags.contains(MapFlags::SHARED_VALIDATE | MapFlags::ANONYMOUS) {
        return Err(Errno::EINVAL.into());
    }
    let (backing, most) = if flags.contains(MapFlags::ANONYMOUS) {
        (anonymous(bytes, flags), Protection::all())
    } else {
        file(call, descriptor, offset, protection, flags)?
    };
    let request = MapRequest { address, bytes, protection, most, flags, backing };
    Ok(call.thread.space.borrow().borrow_mut().map(request)?)
}

fn anonymous(bytes: u64, flags: MapFlags) -> Backing {
    if flags.contains(MapFlags::SHARED) {
        return Backing::File(Rc::new(SharedMemory::new(round_up(bytes).unwrap_or(bytes))), 0);
    }
    Backing::Zeros
}

fn file(
    call: &Call<'_>,
    descriptor: u64,
    offset: u64,
    protection: Protection,
    flags: MapFlags,
) -> Result<(Backing, Protection)> {
    let description = call.file(descriptor)?;
    let (reads, writes) = (description.flags().reads(), description.flags().writes());
    if description.flags().contains(crate::file::OpenFlags::PATH) {
        return Err(Errno::EBADF);
    }
    let shared = flags.contains(MapFlags::SHARED);
    if !reads || (shared && protection.contains(Protection::WRITE) && !writes) {
        return Err(Errno::EACCES);
    }
    // Whether it can be mapped at all.
    match description.file().page(u64::MAX >> 13) {
        Ok(_) => {}
        // /dev/zero is a way to write MAP_ANONYMOUS.
        Err(Errno::ENXIO) => return Ok((anonymous(call.arguments()[1], flags), Protection::all())),
        Err(error) => return Err(error),
    }
    let seals = description.as_kind::<NodeFile>().and_then(|node| node.place().inode.seals().map(Cell::get));
    let sealed = seals.is_some_and(|seals| seals.intersects(Seals::WRITE | Seals::FUTURE_WRITE));
    if sealed && shared && protection.contains(Protection::WRITE) {
        return Err(Errno::EPERM);
    }
    let most = if shared && (sealed || !writes) { Protection::READ | Protection::EXECUTE } else { Protection::all() };
    Ok((Backing::File(Rc::clone(description.file()), offset / PAGE), most))
}

pub(super) fn munmap(call: &Call<'_>) -> Outcome {
    call.thread.space.borrow().borrow_mut().unmap(call.arguments()[0], call.arguments()[1])?;
    Ok(0)
}

pub(super) fn mprotect(call: &Call<'_>) -> Outcome {
    /// PROT_GROWSDOWN, PROT_GROWSUP and PROT_SEM mean nothing here.
    const OTHERS: u32 = 0x0300_0008;
    let [address, bytes, ..] = call.arguments();
    let protection = Protection::from_bits(call.uint(2) & !OTHERS).ok_or(Errno::EINVAL)?;
    call.thread.space.borrow().borrow_mut().protect(address, bytes, protection)?;
    Ok(0)
}

pub(super) fn mremap(call: &Call<'_>) -> Outcome {
    let [old, old_bytes, bytes, flags, to, _] = call.arguments();
    let flags = u32::try_from(flags).map_err(|_| Errno::EINVAL)?;
    Ok(call.thread.space.borrow().borrow_mut().remap(old, old_bytes, bytes, flags, to)?)
}

pub(super) fn brk(call: &Call<'_>) -> Outcome {
    Ok(call.thread.space.borrow().borrow_mut().set_break(call.arguments()[0]))
}

pub(super) fn madvise(call: &Call<'_>) -> Outcome {
    call.thread.space.borrow().borrow_mut().advise(call.arguments()[0], call.arguments()[1], call.uint(2))?;
    Ok(0)
}

bitflags::bitflags! {
    /// Flags of msync(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SyncFlags: u32 {
        /// Soon.
        const ASYNC = 1;
        /// Others' mappings are to be refreshed.
        const INVALIDATE = 2;
        /// Now.
        const SYNC = 4;
    }
}

/// Whether all of a range is mapped, as the calls that only look at it want it.
fn mapped(call: &Call<'_>) -> Result<()> {
    let [address, bytes, ..] = call.arguments();
    if !address.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL);
    }
    let end = round_up(bytes).and_then(|bytes| address.checked_add(bytes)).ok_or(Errno::ENOMEM)?;
    let space = call.thread.space.borrow();
    if space.borrow().allows(address..end, Protection::empty()) { Ok(()) } else { Err(Errno::ENOMEM) }
}

pub(super) fn msync(call: &Call<'_>) -> Outcome {
    let flags = SyncFlags::from_bits(call.uint(2)).ok_or(Errno::EINVAL)?;
    if flags.contains(SyncFlags::ASYNC | SyncFlags::SYNC) {
        return Err(Errno::EINVAL.into());
    }
    // Files live in memory: what is mapped is the file.
    mapped(call)?;
    Ok(0)
}

pub(super) fn mincore(call: &Call<'_>) -> Outcome {
    mapped(call)?;
    let [address, bytes, vector, ..] = call.arguments();
    for page in 0..round_up(bytes).unwrap_or(0) / PAGE {
        let there = call.thread.space.borrow().borrow().has_page(address + page * PAGE);
        call.write(vector.wrapping_add(page), &u8::from(there))?;
    }
    Ok(0)
}

/// Nothing is ever paged out, so everything is locked.
pub(super) fn mlock(call: &Call<'_>) -> Outcome {
    let [address, bytes, ..] = call.arguments();
    let start = address & !(PAGE - 1);
    let end = address.checked_add(bytes).and_then(round_up).ok_or(Errno::EINVAL)?;
    let space = call.thread.space.borrow();
    if !space.borrow().allows(start..end, Protection::empty()) {
        return Err(Errno::ENOMEM.into());
    }
    space.borrow_mut().populate(start..end);
    Ok(0)
}

pub(super) fn mlock2(call: &Call<'_>) -> Outcome {
    if call.uint(2) & !1 != 0 {
        return Err(Errno::EINVAL.into());
    }
    mlock(call)
}

pub(super) fn mlockall(call: &Call<'_>) -> Outcome {
    if !matches!(call.uint(0), 1..=3 | 5..=7) {
        return Err(Errno::EINVAL.into());
    }
    Ok(0)
}

pub(super) fn munlockall(_: &Call<'_>) -> Outcome {
    Ok(0)
}

/// There is one virtual CPU: every thread has seen what every other did.
pub(super) fn membarrier(call: &Call<'_>) -> Outcome {
    const QUERY: i32 = 0;
    const KNOWN: u64 = 0x1f;
    match (call.int(0), call.uint(1)) {
        (QUERY, 0) => Ok(KNOWN),
        (1 | 2 | 4 | 8 | 16, 0) => Ok(0),
        _ => Err(Errno::EINVAL.into()),
    }
}
