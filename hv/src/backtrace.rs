//! The chain of callers with names: for a panic.

use crate::addr::HostPhysical;
use crate::physmap::{self, usize_of};
use core::arch::asm;
use spin::Once;

/// Where the boot loader put the kernel's symbols.
#[derive(Clone, Copy, Debug)]
pub struct Symbols {
    /// The symbol table section.
    pub table: (HostPhysical, u64),
    /// The string table section that it uses.
    pub strings: (HostPhysical, u64),
}

static SYMBOLS: Once<Symbols> = Once::new();

/// Says where the symbols are.
///
/// # Safety
/// Both ranges are RAM that the window maps and that nobody writes any more.
pub unsafe fn initialise(symbols: Symbols) {
    SYMBOLS.call_once(|| symbols);
}

fn bytes((start, length): (HostPhysical, u64)) -> &'static [u8] {
    // SAFETY: `initialise`'s caller vouches for both ranges.
    unsafe { core::slice::from_raw_parts(physmap::pointer::<u8>(start), usize_of(length)) }
}

fn word(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

/// The function that holds this address and the distance from its beginning.
fn function(address: u64) -> Option<(&'static str, u64)> {
    const ENTRY: usize = 24;
    const FUNCTION: u8 = 2;
    let symbols = SYMBOLS.get()?;
    let (table, strings) = (bytes(symbols.table), bytes(symbols.strings));
    let inside = |entry: &&[u8]| {
        let (value, size) = (word(&entry[8..16]), word(&entry[16..24]));
        entry[4] & 0xf == FUNCTION && address >= value && address - value < size
    };
    let entry = table.chunks_exact(ENTRY).find(inside)?;
    let name = usize_of(word(&[entry[0], entry[1], entry[2], entry[3], 0, 0, 0, 0]));
    let name = core::ffi::CStr::from_bytes_until_nul(strings.get(name..)?).ok()?.to_str().ok()?;
    Some((name, address - word(&entry[8..16])))
}

/// Calls `show` with each return address and its function, innermost first.
#[inline(never)]
pub fn walk(mut show: impl FnMut(u64, Option<(&'static str, u64)>)) {
    const DEEPEST: usize = 32;
    const KERNEL: u64 = 0xffff_8000_0000_0000;
    let mut frame: u64;
    // SAFETY: reading RBP has no effect; the kernel is compiled with frame pointers.
    unsafe { asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack)) };
    for _ in 0..DEEPEST {
        if frame < KERNEL || !frame.is_multiple_of(8) {
            return;
        }
        let pointer = core::ptr::with_exposed_provenance::<[u64; 2]>(usize_of(frame));
        // SAFETY: with frame pointers RBP leads to the caller's RBP and the return address; a chain that a bug has broken
        // faults at worst, which the nested panic reports.
        let [next, address] = unsafe { pointer.read() };
        if address == 0 {
            return;
        }
        show(address, function(address - 1));
        if next <= frame {
            return;
        }
        frame = next;
    }
}

/// Prints a panic with its callers, stops every other CPU, and says how the machine ends.
pub fn report_panic(information: &core::panic::PanicInfo<'_>) {
    use crate::output::line_in_panic;
    use core::sync::atomic::{AtomicBool, Ordering};
    static PANICKING: AtomicBool = AtomicBool::new(false);
    if PANICKING.swap(true, Ordering::SeqCst) {
        // A second panic, here or on another CPU: the first one speaks.
        crate::cpu::halt_for_ever();
    }
    crate::cpu::interrupts::stop_others();
    let place = information.location();
    let (file, line) = place.map_or(("?", 0), |place| (place.file(), place.line()));
    line_in_panic(format_args!("panic at={file}:{line} message=\"{}\"", information.message()));
    walk(|address, function| match function {
        Some((name, offset)) => {
            line_in_panic(format_args!("  {address:#x} {:#}+{offset:#x}", rustc_demangle::demangle(name)));
        }
        None => line_in_panic(format_args!("  {address:#x}")),
    });
}
