//! Two environments that do not dominate each other share memory: one grants, the other has agreed to, and a revocation ends it.

use crate::hostile::Verdict;
use crate::kit::neighbour::Neighbour;
use crate::kit::{OWN, ask, same, take_run, until, works};
use alloc::format;
use alloc::string::String;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::{BootPage, FrameRun};
use exo_user::abi::call::Call;
use exo_user::abi::capability::Name;
use exo_user::abi::capability::rights::{self, READ, WRITE};
use exo_user::abi::environment_page::{Repossession, kind, reason};
use exo_user::abi::error::Error;
use exo_user::abi::info::frame_state;
use exo_user::events::{CREDENTIAL_REVOKED, REPOSSESSION};
use exo_user::exceptions::ExceptionFrame;
use exo_user::foreign::{self, ForeignAccess};
use exo_user::{events, frames, info, println};

/// The slot of what is shared, on both sides.
const SHARED: u8 = 9;
/// What the giver's name is followed by in the guard of what it shares.
const SUFFIX: u8 = b's';
/// Words that pass through the shared frames: the first is for reading only.
const GREETING: u64 = 0x6772_6565_7469_6e67;
const REPLY: u64 = 0x7265_706c_7921;

fn word(frame: u64, index: usize) -> &'static AtomicU64 {
    // SAFETY: the frame is bound and mapped in the window while its scenario runs; both sides use atomic words only.
    unsafe { &*frames::window(frame << 12).cast::<AtomicU64>().add(index) }
}

fn map(first: u64) -> Verdict {
    frames::extend_window(FrameRun { first, count: 2 }).map_err(|error| format!("{error}"))
}

fn found(name: &str) -> Result<Neighbour, String> {
    until("the other side runs", || Neighbour::named(name).is_some())?;
    Neighbour::named(name).ok_or_else(|| "the other side is gone".into())
}

/// Two frames of its own for the taker, until the taker has replied.
pub fn give(_boot: &'static BootPage) -> Verdict {
    let taker = found("taker")?;
    works(Call::CapabilityDerive, (OWN, 0), &[SHARED.into(), rights::ALL, SUFFIX.into(), 1])?;
    let first = take_run(2)?;
    works(Call::BindRun, (0, 0), &[0, 0, READ | WRITE, first, 2])?;
    map(first)?;
    word(first, 0).store(GREETING, Ordering::SeqCst);
    works(Call::SetGuard, (OWN, SHARED), &[first, 2])?;
    let grant = || ask(Call::CapabilityGrant, (SHARED, 0), &[taker.argument(), SHARED.into(), READ | WRITE]);
    until("the taker accepts", || grant().code == 0)?;
    until("the taker replies", || word(first + 1, 0).load(Ordering::SeqCst) == REPLY)?;
    same("slots emptied", works(Call::CapabilityRevoke, (SHARED, 0), &[0, 0])?, 1)?;
    same("the taker among the binders", taken(first, &taker), false)?;
    word(first, 0).store(0, Ordering::SeqCst);
    word(first + 1, 1).store(1, Ordering::SeqCst);
    Ok(())
}

fn taken(first: u64, taker: &Neighbour) -> bool {
    info::frame(first).is_some_and(|record| record.binders & 1 << taker.id.index != 0)
}

static TOLD: AtomicU64 = AtomicU64::new(0);

/// Steps over the access, which is one instruction of three bytes.
fn give_up(access: &ForeignAccess, frame: &mut ExceptionFrame) {
    TOLD.store(access.physical, Ordering::SeqCst);
    frame.rip += 3;
}

/// Reads where there may be nothing any more.
fn read(frame: u64) -> u64 {
    let mut value = u64::MAX;
    // SAFETY: the frame was bound; if it is no longer, the handler steps over the access.
    unsafe { core::arch::asm!("mov rax, [rcx]", inout("rax") value, in("rcx") frames::window(frame << 12)) };
    value
}

/// Binds what it is granted, reads, replies, and is told when it loses it.
pub fn take(_boot: &'static BootPage) -> Verdict {
    let giver = found("giver")?;
    works(Call::CapabilityAccept, (0, 0), &[SHARED.into(), giver.argument()])?;
    let guard = giver.guard.extended(&[SUFFIX]).ok_or("the name is long")?;
    until("the giver grants", || shared(&giver, guard).is_some_and(|first| bind(first, READ).is_ok()))?;
    let first = shared(&giver, guard).ok_or("the frames are gone")?;
    works(Call::BindRun, (0, 0), &[0, SHARED.into(), READ | WRITE, first + 1, 1])?;
    map(first)?;
    same("the greeting", read(first), GREETING)?;
    let before = info::repossessed();
    foreign::handle(give_up).map_err(|error| format!("{error}"))?;
    word(first + 1, 0).store(REPLY, Ordering::SeqCst);
    until("the capability is revoked", || info::repossessed() != before)?;
    let lost = Repossession { kind: kind::FRAMES, reason: reason::CREDENTIAL, first, count: 2 };
    // The two were bound with different rights, but lie side by side.
    same("what was lost", info::repossession(before), Some(lost))?;
    same("a word that can no longer be read", read(first), u64::MAX)?;
    same("what it was told of", TOLD.load(Ordering::SeqCst), first << 12)?;
    events::poll();
    let told = REPOSSESSION | CREDENTIAL_REVOKED;
    same("events", events::take_noted(told), told)?;
    same(
        "binding it again",
        ask(Call::BindRun, (0, 0), &[0, SHARED.into(), READ, first, 1]).code,
        Error::BadSlot.number(),
    )?;
    println!("read, replied, lost");
    Ok(())
}

/// The frames of the giver's with that guard: everybody can see them.
fn shared(giver: &Neighbour, guard: Name) -> Option<u64> {
    (0..info::frame_count()).find(|&frame| {
        info::frame(frame).is_some_and(|record| {
            record.state == frame_state::OWNED
                && u32::from(record.owner_index) == giver.id.index
                && record.guard == guard
        })
    })
}

fn bind(frame: u64, wanted: u64) -> Verdict {
    works(Call::BindRun, (0, 0), &[0, SHARED.into(), wanted, frame, 1]).map(drop)
}
