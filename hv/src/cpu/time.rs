//! How fast the TSC counts, found by the programmable interval timer, and waiting by it.

use super::tsc;
use x86::io::{inb, inl, outb};

/// The interval timer's frequency.
const PIT_HERTZ: u64 = 1_193_182;
const CHANNEL_2: u16 = 0x42;
const COMMAND: u16 = 0x43;
const SPEAKER: u16 = 0x61;
/// TSC ticks for one of the interval timer's beyond which it is taken for stopped: no CPU is that fast.
const PATIENCE: u64 = 10_000;
/// TSC ticks that stand for a microsecond where the interval timer does not count: too long rather than too short.
const FALLBACK_TICKS: u64 = 5_000;

/// Waits `ticks` of the interval timer (at most 65535). `false`, perhaps at once, where the timer does not count.
#[must_use]
fn wait(ticks: u16) -> bool {
    const OUTPUT: u8 = 0x20;
    let [low, high] = ticks.to_le_bytes();
    // SAFETY: channel 2 of the interval timer with the speaker off: nobody else uses it, and reading it has no effect.
    unsafe {
        let gate_off = inb(SPEAKER) & 0xfc;
        outb(SPEAKER, gate_off);
        outb(COMMAND, 0b1011_0000); // channel 2, both bytes, mode 0: output rises at the end of the count
        outb(CHANNEL_2, low);
        outb(CHANNEL_2, high);
        outb(SPEAKER, gate_off | 1);
        if inb(SPEAKER) & OUTPUT != 0 {
            return false; // no timer: nothing ends before it began
        }
        let begin = tsc();
        while tsc() - begin < PATIENCE * u64::from(ticks) {
            if inb(SPEAKER) & OUTPUT != 0 {
                return true;
            }
        }
    }
    false
}

/// TSC ticks a second, to a tenth of a percent or so; `None` where the interval timer does not count.
#[must_use]
pub fn calibrate() -> Option<u64> {
    const TICKS: u16 = 5966; // 5 ms
    let begin = tsc();
    wait(TICKS).then(|| (tsc() - begin) * PIT_HERTZ / u64::from(TICKS))
}

/// The same by the ACPI power-management timer at this port: 3 579 545 Hz, of which 24 bits are sure to be there.
#[must_use]
pub fn calibrate_by_power_timer(port: u16) -> Option<u64> {
    const HERTZ: u64 = 3_579_545;
    const TICKS: u32 = 17_898; // 5 ms
    const BITS: u32 = 0x00ff_ffff;
    // SAFETY: the firmware's tables name this port as the timer's; reading it has no effect.
    let read = || unsafe { inl(port) } & BITS;
    let (begin, first) = (tsc(), read());
    while tsc() - begin < PATIENCE * u64::from(TICKS) {
        let passed = read().wrapping_sub(first) & BITS;
        if passed >= TICKS {
            return Some((tsc() - begin) * HERTZ / u64::from(passed));
        }
    }
    None
}

/// Waits about so many microseconds, at most 50 000.
pub fn wait_microseconds(microseconds: u64) {
    let ticks = microseconds * PIT_HERTZ / 1_000_000;
    let begin = tsc();
    if !wait(u16::try_from(ticks).unwrap_or(u16::MAX)) {
        while tsc() - begin < microseconds * FALLBACK_TICKS {
            core::hint::spin_loop();
        }
    }
}
