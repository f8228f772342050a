//! Waiting for several files at once: poll(2), select(2).

use super::signals::{restore_mask_after, set_temporary_mask};
use super::{Call, Outcome, Restart, Stop};
use crate::clock::{self, SECOND};
use crate::errno::{Errno, Result};
use crate::file::{Description, Ready};
use crate::process::Resource;
use crate::signal::SignalSet;
use alloc::rc::Rc;
use alloc::vec::Vec;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// struct pollfd.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Wanted {
    descriptor: i32,
    events: u16,
    found: u16,
}

/// Waits until something is there, where nothing is yet; the queues of `files` are those to wait in.
fn wait(call: &Call<'_>, files: &[Rc<Description>], limit: Option<u64>) -> Outcome {
    call.wait_until(|| limit.map(|limit| clock::monotonic().saturating_add(limit)));
    if limit == Some(0) || call.is_late() {
        return Ok(0);
    }
    files.iter().filter_map(|file| file.file().queue()).for_each(|queue| call.enter(queue));
    Err(Stop::wait(Restart::UnlessHandled))
}

fn poll_files(call: &Call<'_>, limit: Option<u64>) -> Outcome {
    let [at, count, ..] = call.arguments();
    if count > call.process().limits.get().soft(Resource::Files) {
        return Err(Errno::EINVAL.into());
    }
    let place = |index: u64| at.wrapping_add(index * size_of::<Wanted>() as u64);
    let mut wanted = (0..count).map(|index| call.read(place(index))).collect::<Result<Vec<Wanted>>>()?;
    let (mut files, mut found) = (Vec::new(), 0);
    for each in &mut wanted {
        each.found = 0;
        if each.descriptor < 0 {
            continue;
        }
        match call.file(each.descriptor as u64) {
            Ok(file) => {
                let ready = Call::is_ready(&file, Ready::from_bits_truncate(each.events.into()));
                each.found = ready.bits() as u16;
                files.push(file);
            }
            Err(_) => each.found = Ready::NVAL.bits() as u16,
        }
        found += u64::from(each.found != 0);
    }
    let outcome = if found != 0 { Ok(found) } else { wait(call, &files, limit) };
    if outcome.is_ok() {
        for (index, each) in wanted.iter().enumerate() {
            call.write(place(index as u64).wrapping_add(6), &each.found)?;
        }
    }
    outcome
}

pub(super) fn poll(call: &Call<'_>) -> Outcome {
    let milliseconds = call.int(2);
    poll_files(call, u64::try_from(milliseconds).ok().map(|milliseconds| milliseconds * (SECOND / 1000)))
}

/// The mask that ppoll(2) and pselect(2) want meanwhile.
fn mask(call: &Call<'_>, at: u64, bytes: u64) -> Result<()> {
    if at != 0 {
        if bytes != 8 {
            return Err(Errno::EINVAL);
        }
        set_temporary_mask(call, SignalSet(call.read(at)?));
    }
    Ok(())
}

pub(super) fn ppoll(call: &Call<'_>) -> Outcome {
    let [_, _, timeout, mask_at, bytes, _] = call.arguments();
    let limit = if timeout == 0 { None } else { Some(super::clocks::duration(call, timeout)?) };
    mask(call, mask_at, bytes)?;
    let outcome = poll_files(call, limit);
    restore_mask_after(call, &outcome);
    write_rest(call, timeout, limit, outcome.is_ok())?;
    outcome
}

/// Nanoseconds that are left of a timeout; all of it where nothing had to wait.
fn rest(call: &Call<'_>, limit: Option<u64>) -> u64 {
    let deadline = call.progress().deadline;
    deadline.map_or(limit.unwrap_or(0), |deadline| deadline.saturating_sub(clock::monotonic()))
}

/// What is left of a timeout, which these calls leave in its place.
fn write_rest(call: &Call<'_>, at: u64, limit: Option<u64>, over: bool) -> Result<()> {
    if at != 0 && (over || call.is_interrupted()) {
        let left = rest(call, limit);
        call.write(at, &[left / SECOND, left % SECOND])?;
    }
    Ok(())
}

/// Descriptors that one call can look at, and the words of a set of them.
const MOST: u64 = 1024;

fn read_set(call: &Call<'_>, at: u64, words: usize) -> Result<Vec<u64>> {
    if at == 0 {
        return Ok(Vec::new());
    }
    (0..words as u64).map(|word| call.read(at.wrapping_add(word * 8))).collect()
}

fn select_files(call: &Call<'_>, limit: Option<u64>) -> Outcome {
    let [count, reads, writes, errors, ..] = call.arguments();
    if count.cast_signed() < 0 || (count as i32) < 0 {
        return Err(Errno::EINVAL.into());
    }
    let count = u64::from(count as u32).min(MOST);
    let words = count.div_ceil(64) as usize;
    let kinds = [
        (reads, Ready::IN | Ready::RDNORM | Ready::RDBAND | Ready::HUP | Ready::ERR),
        (writes, Ready::OUT | Ready::WRNORM | Ready::WRBAND | Ready::ERR),
        (errors, Ready::PRI),
    ];
    let (mut files, mut found, mut sets) = (Vec::new(), 0, Vec::new());
    for (at, meant) in kinds {
        let wanted = read_set(call, at, words)?;
        let mut set = alloc::vec![0_u64; wanted.len()];
        for descriptor in (0..count).filter(|_| !wanted.is_empty()) {
            let (word, bit) = (descriptor as usize / 64, 1 << (descriptor % 64));
            if wanted[word] & bit == 0 {
                continue;
            }
            let file = call.file(descriptor)?;
            if file.file().ready().intersects(meant) {
                set[word] |= bit;
                found += 1;
            }
            files.push(file);
        }
        sets.push((at, set));
    }
    let outcome = if found != 0 { Ok(found) } else { wait(call, &files, limit) };
    if outcome.is_ok() {
        for (at, set) in sets.iter().filter(|(at, _)| *at != 0) {
            // Only as many bytes as the descriptors need.
            let bytes = zerocopy::IntoBytes::as_bytes(&set[..]);
            call.with_memory(|memory| memory.write_bytes(*at, &bytes[..(count as usize).div_ceil(64) * 8]))?;
        }
    }
    outcome
}

pub(super) fn select(call: &Call<'_>) -> Outcome {
    let at = call.arguments()[4];
    let limit = if at == 0 || call.progress().waited {
        None
    } else {
        let [seconds, microseconds]: [i64; 2] = call.read(at)?;
        if seconds < 0 || microseconds < 0 {
            return Err(Errno::EINVAL.into());
        }
        let whole = seconds.saturating_add(microseconds / 1_000_000);
        Some(super::clocks::from_parts(whole, microseconds % 1_000_000 * 1000)?)
    };
    let outcome = select_files(call, limit);
    if at != 0 && (outcome.is_ok() || call.is_interrupted()) {
        let left = rest(call, limit);
        call.write(at, &[left / SECOND, left % SECOND / 1000])?;
    }
    outcome
}

pub(super) fn pselect6(call: &Call<'_>) -> Outcome {
    let [_, _, _, _, timeout, mask_at] = call.arguments();
    let limit =
        if timeout == 0 || call.progress().waited { None } else { Some(super::clocks::duration(call, timeout)?) };
    if mask_at != 0 {
        let [set, bytes]: [u64; 2] = call.read(mask_at)?;
        mask(call, set, bytes)?;
    }
    let outcome = select_files(call, limit);
    restore_mask_after(call, &outcome);
    write_rest(call, timeout, limit, outcome.is_ok())?;
    outcome
}
