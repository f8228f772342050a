//! Time: nanoseconds since the machine began, and the distance from there to 1970.

use crate::file::Timestamp;
use crate::machine;
use core::sync::atomic::{AtomicU64, Ordering};

/// Nanoseconds of a second.
pub const SECOND: u64 = 1_000_000_000;

/// Where the machine began, in nanoseconds since 1970.
static BEGINNING: AtomicU64 = AtomicU64::new(1_000_000_000 * SECOND);

/// Nanoseconds for so many ticks.
#[must_use]
pub fn nanoseconds(ticks: u64) -> u64 {
    let hertz = machine::hertz();
    if hertz == 0 {
        return ticks;
    }
    (u128::from(ticks) * u128::from(SECOND) / u128::from(hertz)) as u64
}

/// Nanoseconds since the machine began.
#[must_use]
pub fn monotonic() -> u64 {
    nanoseconds(machine::ticks())
}

/// Ticks at which the monotonic clock will be somewhere; for whoever sleeps until then.
#[must_use]
pub fn ticks_at(time: u64) -> u64 {
    (u128::from(time) * u128::from(machine::hertz()) / u128::from(SECOND)).try_into().unwrap_or(u64::MAX)
}

/// Nanoseconds since 1970.
#[must_use]
pub fn since_1970() -> u64 {
    BEGINNING.load(Ordering::Relaxed).wrapping_add(monotonic())
}

/// Sets the time since 1970.
pub fn set_since_1970(nanoseconds: u64) {
    BEGINNING.store(nanoseconds.wrapping_sub(monotonic()), Ordering::Relaxed);
}

/// Says when the machine began, in seconds since 1970.
pub fn set_beginning(seconds: u64) {
    BEGINNING.store(seconds.saturating_mul(SECOND), Ordering::Relaxed);
}

/// The time as files have it.
#[must_use]
pub fn realtime() -> Timestamp {
    let now = since_1970();
    Timestamp { seconds: (now / SECOND).cast_signed(), nanoseconds: (now % SECOND) as u32 }
}
