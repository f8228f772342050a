//! Frames that are its own, used as they must not be.

use super::{Case, EXITS, VIOLATION, Verdict};
use crate::kit::list::List;
use crate::kit::{OWN, fails, fails_at, must, same, take_run, works};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights::{self, EXECUTE, READ, WRITE};
use exo_user::abi::environment_page::{Repossession, kind, reason};
use exo_user::abi::error::Error;
use exo_user::page_table::{self, Flags};
use exo_user::{frames, info};

pub const CASES: &[Case] = &[
    Case::new("double-free", EXITS, double_free, "frees frames twice, in two calls and in one"),
    Case::new("free-while-bound", EXITS, free_while_bound, "frees frames that it has bound"),
    Case::new("bind-free-frame", EXITS, bind_free_frame, "binds frames that are nobody's"),
    Case::new("double-bind", EXITS, double_bind, "binds frames that it has bound"),
    Case::new("bad-rights", EXITS, bad_rights, "binds with rights that no binding can have"),
    Case::new("guard-away", EXITS, guard_away, "takes a guard that its bindings are not under"),
    Case::new("write-read-only", VIOLATION, write_read_only, "writes a frame that it has bound read-only"),
    Case::new("execute-data", VIOLATION, execute_data, "runs a frame that it has bound without execution"),
    Case::new("use-after-unbind", VIOLATION, use_after_unbind, "uses a frame after unbinding it"),
    Case::new("use-after-reduction", VIOLATION, use_after_reduction, "writes a frame after giving up the right to"),
    Case::new("unbind-itself", VIOLATION, unbind_itself, "unbinds all its memory, the code that runs included"),
    Case::new("drop-itself", VIOLATION, drop_itself, "drops the capability that all its memory is bound under"),
];

/// Where frames are mapped.
const AT: u64 = 0x1000_2000_0000;

fn bound(first: u64, count: u64, wanted: u64) -> Verdict {
    works(Call::BindRun, (0, 0), &[0, 0, wanted, first, count]).map(drop)
}

fn map(frame: u64, flags: Flags) -> Result<*mut u64, alloc::string::String> {
    // SAFETY: nothing else is mapped here.
    unsafe { page_table::map(AT, frame << 12, Flags::PRESENT | flags) }
        .map_err(|error| alloc::format!("cannot map: {error}"))?;
    Ok(frames::pointer(AT))
}

fn double_free(_boot: &'static BootPage) -> Verdict {
    let first = take_run(8)?;
    let list = List::new(&[(first, 2), (first + 1, 2)])?;
    fails(Call::FreeList, (OWN, 0), &[list.physical(), 2], Error::NotAscending)?;
    works(Call::FreeRun, (OWN, 0), &[first, 8])?;
    fails_at(Call::FreeRun, (OWN, 0), &[first, 8], Error::FrameForeign, first)?;
    list.write(&[(first, 1), (first + 7, 1)]);
    fails_at(Call::FreeList, (OWN, 0), &[list.physical(), 2], Error::FrameForeign, first).map(drop)
}

fn free_while_bound(boot: &'static BootPage) -> Verdict {
    let mine = boot.runs().first().ok_or("no run")?.first;
    fails_at(Call::FreeRun, (OWN, 0), &[mine, 1], Error::FrameBound, mine)?;
    let first = take_run(3)?;
    bound(first + 1, 1, READ)?;
    fails_at(Call::FreeRun, (OWN, 0), &[first, 3], Error::FrameBound, first + 1)?;
    fails_at(Call::ReserveAdd, (OWN, 0), &[first, 3], Error::FrameBound, first + 1)?;
    works(Call::UnbindRun, (OWN, 0), &[0, first + 1, 1])?;
    works(Call::FreeRun, (OWN, 0), &[first, 3]).map(drop)
}

fn bind_free_frame(_boot: &'static BootPage) -> Verdict {
    let first = take_run(2)?;
    works(Call::FreeRun, (OWN, 0), &[first + 1, 1])?;
    fails_at(Call::BindRun, (0, 0), &[0, 0, READ, first, 2], Error::FrameFree, first + 1)?;
    works(Call::FreeRun, (OWN, 0), &[first, 1]).map(drop)
}

fn double_bind(_boot: &'static BootPage) -> Verdict {
    let first = take_run(3)?;
    bound(first + 1, 1, READ)?;
    for wanted in [READ, READ | WRITE] {
        fails_at(Call::BindRun, (0, 0), &[0, 0, wanted, first, 3], Error::AlreadyBound, first + 1)?;
    }
    let binders = |frame| info::frame(frame).map(|record| record.binders);
    same("the binders of a frame beside", binders(first), Some(0))?;
    works(Call::UnbindRun, (OWN, 0), &[0, first + 1, 1])?;
    fails_at(Call::UnbindRun, (OWN, 0), &[0, first + 1, 1], Error::FrameNotBound, first + 1)
}

fn bad_rights(boot: &'static BootPage) -> Verdict {
    let first = take_run(1)?;
    let mine = boot.runs().first().ok_or("no run")?.first;
    let beyond = [rights::MODIFY | READ, rights::GRANT, 1 << 9, 1 << 63 | READ, u64::MAX];
    for wanted in [0, WRITE, WRITE | EXECUTE].into_iter().chain(beyond) {
        fails_at(Call::BindRun, (0, 0), &[0, 0, wanted, first, 1], Error::BadRights, wanted)?;
        fails_at(Call::ChangeRightsRun, (0, 0), &[0, 0, wanted, mine, 1], Error::BadRights, wanted)?;
    }
    // A capability without a right gives no binding with it.
    works(Call::CapabilityDerive, (OWN, 0), &[9, READ, 0, 0])?;
    fails_at(Call::BindRun, (0, 0), &[0, 9, READ | WRITE, first, 1], Error::Underprivileged, first)?;
    works(Call::BindRun, (0, 0), &[0, 9, READ, first, 1])?;
    fails_at(Call::ChangeRightsRun, (0, 0), &[0, 9, READ | WRITE, first, 1], Error::Underprivileged, first)
}

/// Bound under one name, guarded by another: the binding ends, and the environment is told exactly what it lost.
fn guard_away(_boot: &'static BootPage) -> Verdict {
    let first = take_run(4)?;
    works(Call::CapabilityDerive, (OWN, 0), &[9, rights::ALL, 1, 1])?;
    works(Call::CapabilityDerive, (OWN, 0), &[10, rights::ALL, 2, 1])?;
    works(Call::SetGuard, (OWN, 9), &[first, 4])?;
    works(Call::BindRun, (0, 0), &[0, 9, READ, first, 4])?;
    let before = info::repossessed();
    same("bindings that ended", works(Call::SetGuard, (OWN, 10), &[first + 1, 2])?, 2)?;
    let lost = Repossession { kind: kind::FRAMES, reason: reason::CREDENTIAL, first: first + 1, count: 2 };
    same("entries of the repossession vector", info::repossessed(), before + 1)?;
    same("what was lost", info::repossession(before), Some(lost))?;
    // The narrower name has no say any more.
    fails_at(Call::FreeRun, (9, 0), &[first + 1, 2], Error::Underprivileged, first + 1)?;
    works(Call::FreeRun, (10, 0), &[first + 1, 2]).map(drop)
}

fn write_read_only(_boot: &'static BootPage) -> Verdict {
    let frame = take_run(1)?;
    bound(frame, 1, READ)?;
    let word = map(frame, Flags::WRITABLE)?;
    // SAFETY: the frame is mapped; the write is what the kernel must stop.
    unsafe {
        same("a fresh frame", word.read_volatile(), 0)?;
        word.write_volatile(1);
    }
    Ok(())
}

fn execute_data(_boot: &'static BootPage) -> Verdict {
    let frame = take_run(1)?;
    bound(frame, 1, READ | WRITE)?;
    let word = map(frame, Flags::WRITABLE)?;
    // SAFETY: the frame is mapped and holds a return instruction; running it is what the kernel must stop.
    unsafe {
        word.write_volatile(0xc3);
        core::arch::asm!("call {}", in(reg) word, clobber_abi("C"));
    }
    Ok(())
}

fn use_after_unbind(_boot: &'static BootPage) -> Verdict {
    let frame = take_run(1)?;
    bound(frame, 1, READ | WRITE)?;
    let word = map(frame, Flags::WRITABLE)?;
    // SAFETY: the frame is mapped; the second read is what the kernel must stop.
    unsafe {
        word.write_volatile(7);
        works(Call::UnbindRun, (OWN, 0), &[0, frame, 1])?;
        word.read_volatile();
    }
    Ok(())
}

fn use_after_reduction(_boot: &'static BootPage) -> Verdict {
    let frame = take_run(1)?;
    bound(frame, 1, READ | WRITE)?;
    let word = map(frame, Flags::WRITABLE)?;
    // SAFETY: the frame is mapped; the second write is what the kernel must stop.
    unsafe {
        word.write_volatile(7);
        works(Call::ChangeRightsRun, (0, 0), &[0, 0, READ, frame, 1])?;
        same("what it still may read", word.read_volatile(), 7)?;
        word.write_volatile(8);
    }
    Ok(())
}

fn unbind_itself(boot: &'static BootPage) -> Verdict {
    for run in boot.runs() {
        works(Call::UnbindRun, (OWN, 0), &[0, run.first, run.count])?;
    }
    must("code without memory does not run", false)
}

fn drop_itself(_boot: &'static BootPage) -> Verdict {
    works(Call::CapabilityDrop, (0, 0), &[0])?;
    must("code without memory does not run", false)
}
