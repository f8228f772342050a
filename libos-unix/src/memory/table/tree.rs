//! Going through the tree of tables. Nothing here looks at more entries than the ranges have that it is called with: most of a table is
//! empty, and there are several tables to the smallest program.

use super::{PAGE, Place, WAY, index, number, span};
use crate::errno::{Errno, Result};
use crate::machine;
use core::ops::Range;

const PRESENT: u64 = 1;

/// The entries of a table that begins at `base` for as much of a range as it has; the range must have some of it.
fn entries(level: u32, base: u64, range: &Range<u64>) -> (usize, usize) {
    let end = base + 512 * span(level);
    (index(range.start.max(base), level), index(range.end.min(end) - 1, level) + 1)
}

/// Has an entry lead to a new table.
pub(super) fn add(table: u64, at: usize) -> Result<u64> {
    let new = machine::take_table().ok_or(Errno::ENOMEM)?;
    machine::write_word(table, at, (new * PAGE) | WAY);
    Ok(new)
}

/// Calls `visit` with each present leaf of a range.
pub(super) fn walk(table: u64, level: u32, base: u64, range: &Range<u64>, visit: &mut impl FnMut(u64, Place)) {
    if range.is_empty() {
        return;
    }
    let (first, end) = entries(level, base, range);
    for index in first..end {
        let entry = machine::read_word(table, index);
        if entry & PRESENT == 0 {
            continue;
        }
        let at = base + index as u64 * span(level);
        if level == 0 {
            visit(at, Place { table, index });
        } else {
            walk(number(entry), level - 1, at, range, visit);
        }
    }
}

/// Puts what a table has of a range into another one as well, with the bits `kept` of both.
pub(super) fn share(from: u64, to: u64, level: u32, base: u64, range: &Range<u64>, kept: u64) -> Result<()> {
    let (first, end) = entries(level, base, range);
    for index in first..end {
        let entry = machine::read_word(from, index);
        if entry & PRESENT == 0 {
            continue;
        }
        if level == 0 {
            machine::share_frame(number(entry));
            machine::write_word(from, index, entry & kept);
            machine::write_word(to, index, entry & kept);
        } else {
            let there = machine::read_word(to, index);
            let below = if there & PRESENT == 0 { add(to, index)? } else { number(there) };
            share(number(entry), below, level - 1, base + index as u64 * span(level), range, kept)?;
            machine::breathe();
        }
    }
    Ok(())
}

/// Takes what a table has of some ranges out; and the tables below it that lie within `alone`. Whether there was anything.
pub(super) fn clear(table: u64, level: u32, base: u64, ranges: &[Range<u64>], alone: &Range<u64>) -> bool {
    let (mut next, mut any) = (0, false);
    for range in ranges.iter().filter(|range| !range.is_empty()) {
        let (first, end) = entries(level, base, range);
        for index in first.max(next)..end {
            let entry = machine::read_word(table, index);
            if entry & PRESENT == 0 {
                continue;
            }
            if level == 0 {
                machine::write_word(table, index, 0);
                machine::release_frame(number(entry));
                any = true;
                continue;
            }
            let at = base + index as u64 * span(level);
            let after = at + span(level);
            any |= clear(number(entry), level - 1, at, between(ranges, at, after), alone);
            machine::breathe();
            if alone.start <= at && after <= alone.end {
                machine::write_word(table, index, 0);
                machine::release_table(number(entry));
                any = true;
            }
        }
        next = end;
    }
    any
}

/// Those of ascending ranges that have something of what is between two addresses.
fn between(ranges: &[Range<u64>], start: u64, end: u64) -> &[Range<u64>] {
    let first = ranges.partition_point(|range| range.end <= start);
    let ranges = &ranges[first..];
    &ranges[..ranges.partition_point(|range| range.start < end)]
}
