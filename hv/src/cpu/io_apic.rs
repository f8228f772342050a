//! The I/O APIC, by which devices interrupt. Only what is routed here ever does; all else stays as the firmware left it.

use crate::addr::HostPhysical;
use crate::physmap;
use spin::Mutex;

/// Where the registers of the first one are on every PC. One elsewhere is not used.
pub const REGISTERS: HostPhysical = HostPhysical::new(0xfec0_0000);

/// Registers that are reached through the pair of select and window (82093AA, 3.1).
const SELECT: usize = 0;
const WINDOW: usize = 0x10;
const VERSION: u32 = 1;
const REDIRECTION: u32 = 0x10;
const MASKED: u32 = 1 << 16;

/// Select and window are one after the other.
static LOCK: Mutex<()> = Mutex::new(());

fn register(offset: usize) -> *mut u32 {
    physmap::pointer::<u32>(REGISTERS).wrapping_byte_add(offset)
}

fn read(index: u32) -> u32 {
    // SAFETY: the kernel's tables map the registers, uncached, in the window; the machine has them (`route`), and the lock is held.
    unsafe {
        register(SELECT).write_volatile(index);
        register(WINDOW).read_volatile()
    }
}

fn write(index: u32, value: u32) {
    // SAFETY: as in `read`; what is written only routes an interrupt for which the kernel has a handler.
    unsafe {
        register(SELECT).write_volatile(index);
        register(WINDOW).write_volatile(value);
    }
}

/// Sends the interrupts of an input to the CPU whose APIC has this identifier, on this vector: one each time that the line goes up, so that
/// a device that is left waiting does not interrupt for ever. `false` where there is no such input or the CPU cannot be named.
///
/// # Safety
/// The machine has an I/O APIC at [`REGISTERS`].
#[must_use]
pub unsafe fn route(input: u32, vector: u8, apic_id: u32) -> bool {
    let _whole = LOCK.lock();
    let inputs = (read(VERSION) >> 16 & 0xff) + 1;
    if input >= inputs || apic_id >= 0xff {
        return false;
    }
    let low = REDIRECTION + 2 * input;
    write(low, MASKED);
    write(low + 1, apic_id << 24);
    write(low, vector.into());
    true
}
