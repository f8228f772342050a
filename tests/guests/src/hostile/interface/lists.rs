//! Lists and results in memory: malformed, out of reach, and changed while they are read.

use super::{Case, EXITS, Verdict};
use crate::kit::list::List;
use crate::kit::neighbour::witness;
use crate::kit::{OWN, ask, fails, fails_at, same, take_run, thread, works};
use alloc::format;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::{BootPage, FrameRun};
use exo_user::abi::call::{Call, FRAMES_MAX, LIST_MAX};
use exo_user::abi::capability::rights::{READ, WRITE};
use exo_user::abi::error::Error;
use exo_user::abi::wakeup::operation;
use exo_user::{frames, info};

pub const CASES: &[Case] = &[
    Case::new("list-not-ascending", EXITS, not_ascending, "gives lists whose runs overlap or are out of order"),
    Case::new("list-overlong", EXITS, overlong, "gives lists that are too long, and runs that wrap"),
    Case::new("list-unbound", EXITS, unbound, "gives lists and programs in memory that is not its own"),
    Case::new("result-read-only", EXITS, result_read_only, "has results written where it may only read"),
    Case::new(
        "list-changed-meanwhile",
        EXITS,
        changed,
        "changes a list on another virtual CPU while the kernel reads it",
    ),
];

fn not_ascending(_boot: &'static BootPage) -> Verdict {
    let first = take_run(8)?;
    let list = List::new(&[])?;
    let bad: [&[(u64, u64)]; 5] = [
        &[(first + 4, 1), (first, 1)],
        &[(first, 2), (first + 1, 1)],
        &[(first, 1), (first, 1)],
        &[(first, 0), (first + 4, 1), (first + 3, 0)],
        &[(first, 1), (first + 2, 1), (first + 1, 1)],
    ];
    for runs in bad {
        list.write(runs);
        let arguments = [list.physical(), runs.len() as u64];
        for call in [Call::FreeList, Call::AllocateList, Call::EnvironmentCreate] {
            fails(call, (OWN, 0), &arguments, Error::NotAscending)?;
        }
        let [physical, length] = arguments;
        for call in [Call::BindList, Call::ChangeRightsList] {
            fails(call, (0, 0), &[0, 0, READ, physical, length], Error::NotAscending)?;
        }
        fails(Call::UnbindList, (OWN, 0), &[0, physical, length], Error::NotAscending)?;
    }
    // Empty runs and empty lists name nothing.
    list.write(&[(first, 0), (first, 1), (first + 1, 0), (first + 1, 7)]);
    works(Call::BindList, (0, 0), &[0, 0, READ, list.physical(), 4])?;
    works(Call::UnbindList, (OWN, 0), &[0, list.physical(), 4])?;
    works(Call::FreeList, (OWN, 0), &[u64::MAX, 0])?;
    works(Call::FreeList, (OWN, 0), &[list.physical(), 4]).map(drop)
}

fn overlong(_boot: &'static BootPage) -> Verdict {
    let first = take_run(2)?;
    let list = List::new(&[(first, 1)])?;
    for length in [LIST_MAX + 1, 1 << 32, 1 << 60, (1 << 60) + 1, u64::MAX] {
        fails(Call::FreeList, (OWN, 0), &[list.physical(), length], Error::TooLong)?;
        fails(Call::BindList, (0, 0), &[0, 0, READ, list.physical(), length], Error::TooLong)?;
    }
    for (start, count) in
        [(first, FRAMES_MAX + 1), (first, u64::MAX), (u64::MAX, 1), (u64::MAX - 1, 3), (2, u64::MAX - 1)]
    {
        fails(Call::FreeRun, (OWN, 0), &[start, count], Error::TooLong)?;
        fails(Call::BindRun, (0, 0), &[0, 0, READ, start, count], Error::TooLong)?;
        list.write(&[(start, count)]);
        fails(Call::AllocateList, (OWN, 0), &[list.physical(), 1], Error::TooLong)?;
    }
    // Each run is short, the sum is not.
    list.write(&[(0, FRAMES_MAX), (FRAMES_MAX, 1)]);
    fails(Call::UnbindList, (OWN, 0), &[0, list.physical(), 2], Error::TooLong)?;
    list.write(&[(first, u64::MAX - 1), (first, 2)]);
    fails(Call::UnbindList, (OWN, 0), &[0, list.physical(), 2], Error::TooLong)?;
    works(Call::FreeRun, (OWN, 0), &[first, 2]).map(drop)
}

fn unbound(_boot: &'static BootPage) -> Verdict {
    let (nobodys, foreign) = (take_run(2)?, witness()?.frame);
    works(Call::BindRun, (0, 0), &[0, 0, READ, nobodys, 1])?;
    let crossing = ((nobodys + 1) << 12) - 16;
    for (at, length, frame) in
        [(foreign << 12, 1, foreign), (0x20_0000, 1, 0x200), (crossing, 2, nobodys + 1), (0xfee0_0000, 1, 0xf_ee00)]
    {
        fails_at(Call::AllocateList, (OWN, 0), &[at, length], Error::NotBound, frame)?;
        fails_at(Call::BindList, (0, 0), &[0, 0, READ, at, length], Error::NotBound, frame)?;
        fails_at(Call::EnvironmentCreate, (OWN, 0), &[at, length], Error::NotBound, frame)?;
        fails_at(Call::BlockOn, (0, 0), &[at, length], Error::NotBound, frame)?;
        fails_at(Call::EnvironmentName, (OWN, 0), &[0, at, length * 16], Error::NotBound, frame)?;
        fails_at(Call::ConsoleWrite, (0, 0), &[1, at, length * 16], Error::NotBound, frame)?;
    }
    fails(Call::FreeList, (OWN, 0), &[u64::MAX - 8, 1], Error::TooLong)?;
    // A program that reads what is not its own.
    let program = List::new(&[])?;
    for (at, frame) in [(foreign << 12, foreign), (0x20_0000, 0x200), ((nobodys + 1) << 12, nobodys + 1)] {
        program.write(&[(operation::WORD, at)]);
        fails_at(Call::BlockOn, (0, 0), &[program.physical(), 1], Error::NotBound, frame)?;
    }
    works(Call::UnbindRun, (OWN, 0), &[0, nobodys, 1])?;
    works(Call::FreeRun, (OWN, 0), &[nobodys, 2]).map(drop)
}

fn result_read_only(boot: &'static BootPage) -> Verdict {
    let frame = take_run(2)?;
    works(Call::BindRun, (0, 0), &[0, 0, READ, frame, 1])?;
    works(Call::BindRun, (0, 0), &[0, 0, READ | WRITE, frame + 1, 1])?;
    let shown = [boot.system_page_physical, boot.environment_page_physical, boot.counters_physical];
    for page in shown.map(|page| page >> 12).into_iter().chain([frame, witness()?.frame]) {
        fails_at(Call::ConsoleRead, (0, 0), &[page << 12, 1], Error::NotBound, page)?;
    }
    fails_at(Call::ConsoleRead, (0, 0), &[(frame << 12) + 4000, 97], Error::NotBound, frame)?;
    works(Call::ConsoleRead, (0, 0), &[(frame + 1) << 12, 97])?;
    works(Call::ChangeRightsRun, (0, 0), &[0, 0, READ, frame + 1, 1])?;
    fails_at(Call::ConsoleRead, (0, 0), &[(frame + 1) << 12, 97], Error::NotBound, frame + 1)
}

static LIST: AtomicU64 = AtomicU64::new(0);
static GOOD: AtomicU64 = AtomicU64::new(0);
static BAD: AtomicU64 = AtomicU64::new(0);
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// Writes good and bad runs over the list in turn.
extern "C" fn change(_: u64, _: u64) -> ! {
    let list = frames::window(LIST.load(Ordering::Relaxed)).cast::<FrameRun>();
    loop {
        for from in [&GOOD, &BAD] {
            for index in 0..16 {
                let first = from.load(Ordering::Relaxed) + index;
                // SAFETY: the list's frame holds 256 runs.
                unsafe { list.add(usize::try_from(index).unwrap_or(0)).write_volatile(FrameRun { first, count: 1 }) };
            }
        }
        CHANGES.fetch_add(1, Ordering::Relaxed);
    }
}

fn changed(boot: &'static BootPage) -> Verdict {
    let list = List::new(&[])?;
    let (good, bad) = (take_run(16)?, witness()?.frame - 15);
    LIST.store(list.physical(), Ordering::Relaxed);
    GOOD.store(good, Ordering::Relaxed);
    BAD.store(bad, Ordering::Relaxed);
    thread::run(thread::other_cpu(boot.cpu), change, 0)?;
    let (mut bound, mut refused, mut rounds) = (0_u64, 0_u64, 0_u64);
    let enough = |rounds: u64| rounds >= 1000 && CHANGES.load(Ordering::Relaxed) >= 100;
    while !enough(rounds) && rounds < 100_000 {
        let reply = ask(Call::BindList, (0, 0), &[0, 0, READ, list.physical(), 16]);
        match Error::from_number(reply.code) {
            None => bound += 1,
            Some(Error::Underprivileged | Error::NotAscending | Error::AlreadyBound) => refused += 1,
            Some(other) => return Err(format!("a list that changes: {other:?} at {:#x}", reply.value)),
        }
        for frame in bad..bad + 16 {
            let binders = info::frame(frame).map_or(0, |record| record.binders);
            same("this environment among the binders", binders & 1 << boot.environment_index, 0)?;
        }
        for frame in good..good + 16 {
            ask(Call::UnbindRun, (OWN, 0), &[0, frame, 1]);
        }
        rounds += 1;
    }
    exo_user::println!("{rounds} lists: {bound} bound, {refused} refused");
    same("changes are many", CHANGES.load(Ordering::Relaxed) >= 100, true)
}
