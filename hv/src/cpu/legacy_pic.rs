//! The pair of 8259 interrupt controllers that every PC still has: silenced for good.
//!
//! Firmware leaves them at vectors 8 to 15, which are exceptions, with the timer unmasked. Their interrupts are masked, and
//! the spurious ones that a mask does not stop arrive at 32 to 47, which nobody else uses.

use x86::io::outb;

const MASTER: u16 = 0x20;
const SLAVE: u16 = 0xa0;

/// Moves both controllers out of the way of the exceptions and masks all their inputs.
pub fn silence() {
    const BEGIN: u8 = 0x11; // cascade, edge-triggered, ICW4 follows
    const VECTORS: u8 = 32;
    let writes = [
        (MASTER, BEGIN),
        (SLAVE, BEGIN),
        (MASTER + 1, VECTORS),
        (SLAVE + 1, VECTORS + 8),
        (MASTER + 1, 4), // the slave is at input 2
        (SLAVE + 1, 2),
        (MASTER + 1, 1), // 8086 mode
        (SLAVE + 1, 1),
        (MASTER + 1, 0xff),
        (SLAVE + 1, 0xff),
    ];
    for (port, value) in writes {
        // SAFETY: the registers of the interrupt controllers, which only decide which interrupts arrive; they are off.
        unsafe { outb(port, value) };
    }
}
