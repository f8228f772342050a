//! The battery-backed clock that every PC has (MC146818): what time it is in the world, read once.
//!
//! It is taken to run in coordinated universal time, and to be between 1970 and 2069: nothing tells the kernel otherwise.

use x86::io::{inb, outb};

const SELECT: u16 = 0x70;
const DATA: u16 = 0x71;
const STATUS_A: u8 = 10;
const STATUS_B: u8 = 11;
/// In status A: the registers are about to change.
const CHANGES: u8 = 1 << 7;
/// Reads before a clock that never agrees with itself is given up.
const PATIENCE: u32 = 10_000;

/// The registers, seconds to year, and how they are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Registers {
    /// Second, minute, hour, day, month, year.
    values: [u8; 6],
    status_b: u8,
}

fn register(index: u8) -> u8 {
    // SAFETY: the registers of the clock; selecting one, with NMIs left on, and reading it changes nothing.
    unsafe {
        outb(SELECT, index);
        inb(DATA)
    }
}

/// Seconds since 1970 now; `None` where there is no such clock or it says no date.
#[must_use]
pub fn seconds_since_1970() -> Option<u64> {
    let read = || Registers { values: [0, 2, 4, 7, 8, 9].map(register), status_b: register(STATUS_B) };
    let mut last = read();
    for _ in 0..PATIENCE {
        let quiet = register(STATUS_A) & CHANGES == 0;
        let now = read();
        // Twice the same and not about to change: read as a whole.
        if quiet && now == last {
            return seconds(&now);
        }
        last = now;
    }
    None
}

/// What the registers mean.
fn seconds(registers: &Registers) -> Option<u64> {
    const BINARY: u8 = 1 << 2;
    const HOURS_24: u8 = 1 << 1;
    const AFTERNOON: u8 = 1 << 7;
    let number = |value: u8| match registers.status_b & BINARY {
        0 if value & 0xf > 9 || value >> 4 > 9 => None,
        0 => Some(u64::from(value >> 4) * 10 + u64::from(value & 0xf)),
        _ => Some(u64::from(value)),
    };
    let [second, minute, hour, day, month, year] = registers.values;
    let hour = match registers.status_b & HOURS_24 {
        0 => {
            number(hour & !AFTERNOON).filter(|hour| (1..=12).contains(hour))? % 12
                + if hour & AFTERNOON == 0 { 0 } else { 12 }
        }
        _ => number(hour)?,
    };
    let (second, minute) = (number(second)?, number(minute)?);
    let (day, month, year) = (number(day)?, number(month)?, number(year)?);
    let sound = second < 60 && minute < 60 && hour < 24 && (1..=31).contains(&day) && (1..=12).contains(&month);
    let year = if year < 70 { 2000 + year } else { 1900 + year };
    (sound && year < 2070).then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days from the first of January 1970 to a date of the Gregorian calendar, from then on.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years that begin in March: the leap day is the last one.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let before = |year: u64| year * 365 + year / 4 - year / 100 + year / 400;
    // 153 days are five months from March or August on.
    before(year) + (153 * month + 2) / 5 + day - 1 - (before(1969) + 306)
}

#[cfg(all(test, not(loom)))]
mod tests;
