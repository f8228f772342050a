//! The format of x86-64 paging with four levels (SDM Vol. 3A, 4.5): the kernel's own tables, and guests' first ones.

use super::format::{Entry, Format, Level, frame_of};
use crate::addr::FrameNumber;

/// What a leaf says beside the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "they are the bits of an entry")]
pub struct HostAttributes {
    /// Writes are allowed.
    pub writable: bool,
    /// Instruction fetches are allowed; the CPU must have no-execute pages.
    pub executable: bool,
    /// User mode has access; never set in the kernel's own tables.
    pub user: bool,
    /// The translation outlives a load of CR3.
    pub global: bool,
    /// Device memory: strong uncacheable with the reset PAT (entry 3).
    pub uncached: bool,
}

/// The format of x86-64 paging with four levels.
#[derive(Clone, Copy, Debug)]
pub enum Host {}

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const WRITE_THROUGH: u64 = 1 << 3;
const CACHE_DISABLE: u64 = 1 << 4;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
const NO_EXECUTE: u64 = 1 << 63;

impl Format for Host {
    type Attributes = HostAttributes;
    const KEEPS_TABLES: bool = false;
    const SET_BY_CPU: u64 = ACCESSED | DIRTY;

    fn is_absent(raw: u64) -> bool {
        raw & PRESENT == 0
    }

    fn pointed(raw: u64) -> Option<FrameNumber> {
        (!Self::is_absent(raw) && raw & LARGE == 0).then(|| frame_of(raw))
    }

    fn classify(level: Level, raw: u64) -> Entry<HostAttributes> {
        if Self::is_absent(raw) {
            Entry::Absent
        } else if level == Level::Small || raw & LARGE != 0 {
            let attributes = HostAttributes {
                writable: raw & WRITABLE != 0,
                executable: raw & NO_EXECUTE == 0,
                user: raw & USER != 0,
                global: raw & GLOBAL != 0,
                uncached: raw & CACHE_DISABLE != 0,
            };
            Entry::Leaf { frame: frame_of(raw), attributes }
        } else {
            Entry::Table(frame_of(raw))
        }
    }

    fn table(table: FrameNumber) -> u64 {
        table.start().as_u64() | PRESENT | WRITABLE | USER
    }

    fn leaf(level: Level, frame: FrameNumber, attributes: HostAttributes) -> u64 {
        let mut raw = frame.start().as_u64() | PRESENT;
        for (set, bits) in [
            (level != Level::Small, LARGE),
            (attributes.writable, WRITABLE),
            (!attributes.executable, NO_EXECUTE),
            (attributes.user, USER),
            (attributes.global, GLOBAL),
            (attributes.uncached, CACHE_DISABLE | WRITE_THROUGH),
        ] {
            if set {
                raw |= bits;
            }
        }
        raw
    }

    fn takes_away(old: HostAttributes, new: HostAttributes) -> bool {
        old.writable && !new.writable
            || old.executable && !new.executable
            || old.user && !new.user
            || old.global != new.global
            || old.uncached != new.uncached
    }
}
