//! The kernel's own address space: its image with W^X, the window without execution, stacks with guard pages.

use crate::addr::{FRAME_SIZE, FrameNumber, HostPhysical, HostVirtual};
use crate::cpu::{apic, io_apic};
use crate::paging::host::{Host, HostAttributes};
use crate::paging::{MapError, Tree};
use crate::physmap::{WINDOW, virtual_of};
use crate::pool::{Account, KernelTables};
use spin::Mutex;

/// Where stacks are mapped, each with an unmapped page below it.
const STACKS: u64 = 0xffff_c000_0000_0000;

/// A part of the kernel's image: whole pages, where they run and where they lie.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// First address.
    pub start: HostVirtual,
    /// Address after the last.
    pub end: HostVirtual,
    /// Where the first byte lies in memory.
    pub physical: HostPhysical,
    /// Whether it is code, data that is written, or constants.
    pub kind: SectionKind,
}

/// What a part of the kernel's image may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// Executed and read.
    Code,
    /// Read.
    Constants,
    /// Read and written.
    Data,
}

struct Space {
    tree: Tree<Host>,
    next_stack_page: u64,
}

static SPACE: Mutex<Option<Space>> = Mutex::new(None);

const READ_ONLY: HostAttributes =
    HostAttributes { writable: false, executable: false, user: false, global: true, uncached: false };
const DATA: HostAttributes = HostAttributes { writable: true, ..READ_ONLY };
const CODE: HostAttributes = HostAttributes { executable: true, ..READ_ONLY };
const DEVICE: HostAttributes = HostAttributes { uncached: true, ..DATA };

/// The page that holds this virtual address, as the tree counts: 48 bits of address.
const fn page(address: HostVirtual) -> u64 {
    (address.as_u64() & 0xffff_ffff_ffff) / FRAME_SIZE
}

/// Builds the kernel's tables for this image and all memory below `memory_end`. Loading the root is the caller's.
///
/// # Errors
/// [`MapError`] where the kernel's memory does not suffice.
///
/// # Safety
/// The sections are where the kernel's image is and runs; called once, on the boot CPU.
pub unsafe fn build(sections: &[Section], memory_end: HostPhysical) -> Result<HostPhysical, MapError> {
    let mut tables = KernelTables(Account::KERNEL);
    let mut tree = Tree::<Host>::new(&mut tables)?;
    let memory = |number| FrameNumber::new(number).ok_or(MapError::OutOfRange);
    let end = memory_end.as_u64().div_ceil(FRAME_SIZE);
    let window = page(HostVirtual::new(WINDOW));
    let mut next = 0;
    for device in [io_apic::REGISTERS, apic::REGISTERS].map(|registers| FrameNumber::containing(registers).number()) {
        if end.min(device) > next {
            tree.map(&mut tables, window + next, memory(next)?, end.min(device) - next, DATA)?;
        }
        tree.map(&mut tables, window + device, memory(device)?, 1, DEVICE)?;
        next = device + 1;
    }
    if end > next {
        tree.map(&mut tables, window + next, memory(next)?, end - next, DATA)?;
    }
    for section in sections {
        let first = FrameNumber::containing(section.physical);
        let count = (section.end.as_u64() - section.start.as_u64()) / FRAME_SIZE;
        let attributes = match section.kind {
            SectionKind::Code => CODE,
            SectionKind::Constants => READ_ONLY,
            SectionKind::Data => DATA,
        };
        tree.map(&mut tables, page(section.start), first, count, attributes)?;
        if section.kind != SectionKind::Data {
            // The window must not be a back door into code and constants.
            let alias = page(virtual_of(first.start()));
            tree.protect(&mut tables, alias, count, READ_ONLY)?.nothing_cached_yet();
        }
    }
    let root = tree.root().start();
    *SPACE.lock() = Some(Space { tree, next_stack_page: page(HostVirtual::new(STACKS)) });
    Ok(root)
}

/// Maps these frames as a stack, with an unmapped page below and above; returns the address above it.
pub(crate) fn map_stack(first: FrameNumber, count: u64) -> Result<HostVirtual, MapError> {
    let mut space = SPACE.lock();
    let space = space.as_mut().ok_or(MapError::OutOfRange)?;
    let bottom = space.next_stack_page + 1;
    space.tree.map(&mut KernelTables(Account::KERNEL), bottom, first, count, DATA)?;
    space.next_stack_page = bottom + count;
    Ok(HostVirtual::new(0xffff_0000_0000_0000 + (bottom + count) * FRAME_SIZE))
}

/// Maps a frame to its own address, executable and read-only: the page from which CPUs are started.
///
/// # Errors
/// [`MapError`] where the kernel's memory does not suffice.
pub fn map_trampoline(frame: FrameNumber) -> Result<(), MapError> {
    let mut space = SPACE.lock();
    let space = space.as_mut().ok_or(MapError::OutOfRange)?;
    // The trampoline writes its own pointers before paging is on, and is only read and executed afterwards.
    let attributes = HostAttributes { global: false, ..CODE };
    space.tree.map(&mut KernelTables(Account::KERNEL), frame.number(), frame, 1, attributes)
}
