//! Frames and capabilities.

use crate::{Outcome, must, text};
use alloc::format;
use alloc::sync::Arc;
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::info::{FrameRecord, frame_state};
use exo_user::call::{Kernel, Machine};
use exo_user::capability::{Authority, Capability, rights};
use exo_user::frames::{self, Frame, OwnedFrames, Wanted};
use exo_user::page_table::{self, Flags};
use exo_user::{counters, info};

fn is_mine(record: &FrameRecord) -> bool {
    record.state == frame_state::OWNED && u32::from(record.owner_index) == info::own_id().index
}

fn calls() -> u64 {
    counters().exits[18]
}

/// 300 frames into the pool with two calls, and back with two calls.
pub fn grow_and_shrink(_boot: &'static BootPage) -> Outcome {
    let (before, calls_before) = (frames::available(), calls());
    let grown = frames::grow(Wanted::any(300)).map_err(|(_, error)| text(error))?;
    // The heap takes frames too: nothing is printed between.
    let (calls_taken, available) = (calls() - calls_before, frames::available());
    must(calls_taken == 2, &format!("{calls_taken} calls for taking 300 frames"))?;
    must(grown == 300 && available + 8 >= before + 300, &format!("{grown} came, {before} became {available}"))?;
    let mut taken = alloc::vec::Vec::new();
    while let Some(mut frame) = frames::allocate() {
        let physical = frame.physical();
        frame.bytes()[..8].copy_from_slice(&physical.to_le_bytes());
        taken.push(frame);
        if taken.len() == 1000 {
            break;
        }
    }
    for frame in &mut taken {
        let physical = frame.physical();
        must(frame.bytes()[..8] == physical.to_le_bytes(), "a frame holds something else")?;
        must(info::frame(physical / 4096).is_some_and(|record| is_mine(&record)), "a frame is not mine")?;
    }
    drop(taken);
    let calls_before = calls();
    let given = frames::shrink(0..u64::MAX, 300);
    must(given == 300, &format!("{given} frames given"))?;
    let calls_taken = calls() - calls_before;
    must(calls_taken <= 4, &format!("{calls_taken} calls for giving 300 frames"))
}

/// 2 MiB in one piece, mapped by one entry, dirty and not.
pub fn large_page(_boot: &'static BootPage) -> Outcome {
    const AT: u64 = 0x2000_0000_0000;
    let mut large = OwnedFrames::take(Authority::Own, Wanted::large_page()).map_err(text)?;
    let first = large.runs()[0].first * 4096;
    must(large.bytes(0).is_some_and(|bytes| bytes.iter().all(|&byte| byte == 0)), "it is not zero")?;
    // SAFETY: nothing else is mapped there; the frames are used through no reference meanwhile.
    unsafe {
        page_table::with_current(|table| {
            let flags = Flags::PRESENT | Flags::WRITABLE | Flags::NO_EXECUTE;
            table.map(AT, first, 2 << 20, flags, page_table::LARGE).map_err(text)?.here();
            must(table.query(AT).is_some_and(|page| page.bytes == 2 << 20), "it is not one page")?;
            must(harvested(table, AT)? == 0, "it is dirty before it was written")?;
            frames::pointer::<u64>(AT + 8).write_volatile(7);
            must(harvested(table, AT)? == 1, "it is not dirty")?;
            frames::pointer::<u64>(AT + 8).read_volatile();
            must(harvested(table, AT)? == 0, "it is dirty again")?;
            table.unmap(AT, 2 << 20).map_err(text)?.here();
            let (empty, flush) = table.take_out_empty_tables(AT, 1 << 39).map_err(text)?;
            table.give_back(empty, flush.here());
            Ok::<(), alloc::string::String>(())
        })?;
    }
    must(large.bytes(0).is_some_and(|bytes| bytes[8] == 7), "the window shows something else")
}

fn harvested(table: &mut page_table::PageTable<frames::WindowTables>, at: u64) -> Result<u32, alloc::string::String> {
    let mut pages = 0;
    table.harvest(at, 4096, Flags::DIRTY, |_| pages += 1).map_err(text)?.here();
    Ok(pages)
}

/// Taken, bound otherwise, unbound, dropped.
pub fn owned(_boot: &'static BootPage) -> Outcome {
    let guard = Arc::new(Capability::own().derive(b"own", rights::ALL).map_err(text)?);
    let mut some = OwnedFrames::take(Arc::clone(&guard), Wanted::any(40)).map_err(text)?;
    must(some.count() == 40, "not 40 frames")?;
    some.bytes(0).ok_or("no bytes")?.fill(0x5a);
    some.bind(rights::READ).map_err(text)?;
    must(some.bytes(0).is_none(), "they can be written")?;
    let seen = some.pointer(0).ok_or("no pointer")?;
    // SAFETY: the frame is bound to be read.
    must(unsafe { seen.read_volatile() } == 0x5a, "they hold something else")?;
    some.unbind().map_err(text)?;
    some.bind(rights::READ | rights::WRITE).map_err(text)?;
    must(some.bytes(0).is_some_and(|bytes| bytes[99] == 0x5a), "they hold something else after all")?;
    let first = some.runs()[0].first;
    let record = info::frame(first).ok_or("no record")?;
    must(is_mine(&record) && Some(record.guard) == guard.name(), "the record says something else")?;
    drop(some);
    must(info::frame(first).is_some_and(|record| record.state == frame_state::FREE), "it is not free")?;
    let pool = OwnedFrames::take(guard, Wanted::any(3)).map_err(text)?;
    let before = frames::available();
    pool.into_pool().map_err(|(_, error)| text(error))?;
    must(frames::available() == before + 3, "the pool has not got them")?;
    frames::allocate().map(Frame::leak).map(drop).ok_or("the pool has nothing".into())
}

/// Derived, used where it suffices, refused where not, dropped.
pub fn capabilities(_boot: &'static BootPage) -> Outcome {
    let own = Capability::own();
    let weak = own.derive(b"weak", rights::READ).map_err(text)?;
    let slot = weak.slot();
    let frame = info::free_frames().next().ok_or("no free frame")?;
    must(Machine.allocate_run(slot, frame, 1).is_err(), "it allocates without MODIFY")?;
    drop(weak);
    must(Machine.allocate_run(slot, frame, 1).is_err(), "it allocates with an empty slot")?;
    let again = own.derive(b"again", rights::ALL).map_err(text)?;
    must(again.slot() == slot, "the slot is not used again")?;
    Machine.allocate_run(again.slot(), frame, 1).map_err(text)?;
    Machine.free_run(own.slot(), frame, 1).map_err(text)?;
    must(Capability::adopt(0).is_none(), "the own capability has two holders")
}
