//! What takes two: revocation answered and forced, giving a slice away. One environment measures, `victim` has what is claimed,
//! `partner` hands every slice straight back.

use crate::{Samples, print, sample};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::EnvironmentId;
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::capability::rights;
use exo_user::abi::info::frame_state;
use exo_user::call::{Kernel, Machine};
use exo_user::events::{self, Upcall};
use exo_user::{cpu, info};
use guests::exits;

const OWN: u8 = 0;
const READ_WRITE: u64 = rights::READ | rights::WRITE;
const FRAMES: u64 = 100;
const VECTOR: u8 = 0x50;
const ANSWERED: u32 = 200;
const FORCED: u32 = 40;

pub fn by_name(name: &str) -> Option<EnvironmentId> {
    (0..64).find_map(|index| {
        let record = info::environment_at(index)?;
        let length = usize::try_from(record.name_length).ok()?.min(record.name.len());
        let id = EnvironmentId { index, generation: record.generation };
        (&record.name[..length] == name.as_bytes()).then_some(id)
    })
}

fn state(frame: u64) -> u8 {
    info::frame(frame).map_or(0, |record| record.state)
}

fn is_own(frame: u64) -> bool {
    let own = info::own_id();
    info::frame(frame)
        .is_some_and(|record| record.state == frame_state::OWNED && u32::from(record.owner_index) == own.index)
}

/// The first of the free run in which both hundreds lie: the highest, which nobody else looks for.
fn hundreds() -> Option<u64> {
    let run = info::free_runs(0).filter(|run| run.count >= 2 * FRAMES).last()?;
    Some(run.first + run.count - 2 * FRAMES)
}

static GIVEN: AtomicU64 = AtomicU64::new(0);

/// Gives what is asked for if it is the first hundred: two calls.
fn on_request(_: &mut Upcall<'_>) {
    let first = GIVEN.load(Ordering::Relaxed);
    if info::request().is_some_and(|request| request.first == first) {
        // SAFETY: nothing refers to these frames.
        let _ = unsafe { Machine.unbind_run(0, 0, 0, first, FRAMES) };
        let _ = Machine.free_run(OWN, first, FRAMES);
    }
}

/// Holds two hundreds for good, gives the first when it is asked, and never the second: takes back what it has given or lost as soon as it is free.
pub fn victim() -> Result<(), String> {
    let first = hundreds().ok_or("no two hundreds of free frames")?;
    GIVEN.store(first, Ordering::Relaxed);
    events::set_handler(events::REVOCATION, on_request);
    events::set_vector(VECTOR);
    loop {
        for hundred in [first, first + FRAMES] {
            if state(hundred) == frame_state::FREE && state(hundred + FRAMES - 1) == frame_state::FREE {
                let _ = Machine.allocate_run(OWN, hundred, FRAMES);
                // SAFETY: nothing refers to these frames.
                let _ = unsafe { Machine.bind_run(0, 0, OWN.into(), READ_WRITE, hundred, FRAMES) };
            }
        }
        // It uses its time, so that a deadline in time that it was given comes.
        core::hint::spin_loop();
    }
}

/// Hands each slice straight back.
pub fn partner() -> Result<(), String> {
    let bench = by_name("bench").ok_or("nobody measures")?;
    loop {
        let _ = events::yield_to(bench, 0);
    }
}

/// One claim of a hundred: how long it took by the kernel's own account, which `of` reads, and how often the claimant exited.
fn claim(victim: EnvironmentId, first: u64, of: impl Fn() -> u64) -> Result<(u64, u64), String> {
    while !(state(first) == frame_state::OWNED && info::frame(first).is_some_and(|record| record.binders != 0)) {
        let _ = events::yield_to(victim, 0);
    }
    let before = (of(), exits::caused_so_far());
    Machine.claim_run(OWN, victim.argument(), first, FRAMES).map_err(|failure| format!("claim: {failure:?}"))?;
    while state(first + FRAMES - 1) != frame_state::PROMISED {
        let _ = events::yield_to(victim, 0);
    }
    let spent = (of() - before.0, exits::caused_so_far() - before.1);
    Machine.allocate_run(OWN, first, FRAMES).map_err(|failure| format!("allocate: {failure:?}"))?;
    if !(first..first + FRAMES).all(is_own) {
        return Err("some of what was claimed has not come".to_string());
    }
    Machine.free_run(OWN, first, FRAMES).map_err(|failure| format!("free: {failure:?}"))?;
    Ok(spent)
}

fn report_claims(id: &str, count: u32, mut one: impl FnMut() -> Result<(u64, u64), String>) -> Result<(), String> {
    let mut samples = Samples { ticks: Vec::new(), exits: 0 };
    for _ in 0..count {
        let (ticks, exits) = one()?;
        samples.ticks.push(ticks);
        samples.exits += exits;
    }
    samples.ticks.sort_unstable();
    print(id, 0, FRAMES, &samples);
    Ok(())
}

/// When the handler of the notification event ran.
static DELIVERED: AtomicU64 = AtomicU64::new(0);

fn on_notification(_: &mut Upcall<'_>) {
    DELIVERED.store(cpu::read_tsc(), Ordering::Relaxed);
}

/// `event`: from raising an event of one's own to its handler.
pub fn event(overhead: u64) -> Result<(), String> {
    events::set_handler(events::NOTIFICATION, on_notification);
    events::set_vector(VECTOR);
    let mut wrong = 0_u64;
    crate::report_prepared(
        "event",
        overhead,
        2_000,
        || DELIVERED.store(0, Ordering::Relaxed),
        |()| {
            let _ = Machine.notify(OWN, 0, 0);
            wrong += u64::from(DELIVERED.load(Ordering::Relaxed) == 0);
        },
    );
    if wrong == 0 { Ok(()) } else { Err(format!("{wrong} events did not come at once")) }
}

/// `slice-switch`: to another environment and back is two.
pub fn switch(overhead: u64) -> Result<(), String> {
    let partner = by_name("partner").ok_or("there is no partner")?;
    let mut wrong = 0_u64;
    let samples = sample(2_000, || (), |()| wrong += u64::from(events::yield_to(partner, 0).is_err()));
    print("slice-switch", overhead, 2, &samples);
    if wrong == 0 { Ok(()) } else { Err(format!("{wrong} were refused")) }
}

/// `revoke100` and `repossess100`.
pub fn claims(boot: &BootPage) -> Result<(), String> {
    let run = boot.runs().first().ok_or("no frames")?;
    let first_free = run.first + run.count - FRAMES;
    let victim = by_name("victim").ok_or("there is no victim")?;
    // Below its guarantee, so that it may claim.
    let mut own = (first_free..first_free + FRAMES).rev();
    if !own.all(is_own) {
        return Err("the frames to give up are not all there".to_string());
    }
    // SAFETY: these frames are the last of the boot page's run, which nothing has taken.
    unsafe { Machine.unbind_run(0, 0, 0, first_free, FRAMES) }.map_err(|failure| format!("unbind: {failure:?}"))?;
    Machine.free_run(OWN, first_free, FRAMES).map_err(|failure| format!("free: {failure:?}"))?;
    let is_victims = |frame: u64| {
        info::frame(frame)
            .is_some_and(|record| record.state == frame_state::OWNED && u32::from(record.owner_index) == victim.index)
    };
    // The victim takes the highest free frames, after what it had from the beginning.
    let held = || info::environment(victim).map_or(0, |record| record.frames);
    let guaranteed = info::environment(victim).map_or(0, |record| record.guarantee);
    while held() < guaranteed + 2 * FRAMES {
        let _ = events::yield_to(victim, 0);
    }
    let last = (0..info::frame_count()).rev().find(|&frame| is_victims(frame)).ok_or("the victim has nothing")?;
    let first = last + 1 - 2 * FRAMES;
    let account = |of: fn(&exo_user::abi::info::RevocationCounters) -> u64| {
        move || info::system().map_or(0, |system| of(&system.revocation))
    };
    report_claims("revoke100", ANSWERED, || claim(victim, first, account(|counters| counters.answer_ticks)))?;
    report_claims("repossess100", FORCED, || claim(victim, first + FRAMES, account(|counters| counters.force_ticks)))
}
