//! What takes two: revocation answered and forced, giving a slice away. One environment measures, `victim` has what is claimed,
//! `partner` hands every slice straight back.

use crate::meter::Meter;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::EnvironmentId;
use exo_user::abi::boot_page::FrameRun;
use exo_user::abi::capability::rights;
use exo_user::abi::info::frame_state;
use exo_user::call::{Kernel, Machine};
use exo_user::events::{self, Upcall};
use exo_user::{counters, info};
use guests::exits;
use measure::{Counts, Operation, Plan, Samples, returning};

const OWN: u8 = 0;
const READ_WRITE: u64 = rights::READ | rights::WRITE;
const FRAMES: u64 = 100;
const VECTOR: u8 = 0x50;
const ANSWERED: u32 = 200;
const FORCED: u32 = 200;

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

/// Measures so many claims, by an account of the kernel's instead of the clock.
fn report_claims(
    meter: &mut Meter,
    id: &'static str,
    count: u32,
    mut one: impl FnMut() -> Result<(u64, u64), String>,
) -> Result<(), String> {
    let (mut ticks, mut exits) = (Vec::new(), 0);
    for _ in 0..count {
        let (spent, caused) = one()?;
        ticks.push(spent);
        exits += caused;
    }
    let counts = Counts { exits, cr3: None };
    meter.print(id, &Plan::of(FRAMES), &Samples::new(ticks, 0, Some(counts)));
    Ok(())
}

/// What is on its way to the handler of the notification event, and what has come.
static SENT: AtomicU64 = AtomicU64::new(0);
static DELIVERED: AtomicU64 = AtomicU64::new(0);

fn on_notification(_: &mut Upcall<'_>) {
    DELIVERED.store(SENT.load(Ordering::Relaxed), Ordering::Relaxed);
}

/// `event`: from raising an event of one's own until its handler has run.
pub fn event(meter: &mut Meter) -> Result<(), String> {
    events::set_handler(events::NOTIFICATION, on_notification);
    events::set_vector(VECTOR);
    let notify = |_| {
        let _ = Machine.notify(OWN, 0, 0);
        DELIVERED.load(Ordering::Relaxed)
    };
    let mut operation = returning(|nonce| SENT.store(nonce, Ordering::Relaxed), notify);
    meter
        .row("event", &Plan::default().with_rings(0).with_exceptions(1), &mut operation)
        .map_err(|failure| failure.to_string())
}

/// `slice-switch`: to another environment and back is two. A slice of one's own must have begun meanwhile.
struct Switch {
    partner: EnvironmentId,
    nonce: u64,
    before: u64,
}

impl Operation for Switch {
    fn prepare(&mut self, nonce: u64) {
        (self.nonce, self.before) = (nonce, counters().slices);
    }

    #[inline(always)]
    fn run(&mut self) {
        let _ = events::yield_to(self.partner, 0);
    }

    fn evidence(&mut self) -> u64 {
        if counters().slices > self.before { self.nonce } else { !self.nonce }
    }
}

/// Measures `slice-switch`.
pub fn switch(meter: &mut Meter) -> Result<(), String> {
    let partner = by_name("partner").ok_or("there is no partner")?;
    let plan = Plan::of(2);
    let mut operation = Switch { partner, nonce: 0, before: 0 };
    meter.row("slice-switch", &plan, &mut operation).map_err(|failure| failure.to_string())
}

/// `revoke100` and `repossess100`.
pub fn claims(meter: &mut Meter, run: Option<FrameRun>) -> Result<(), String> {
    let run = run.ok_or("no frames")?;
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
    report_claims(meter, "revoke100", ANSWERED, || claim(victim, first, account(|counters| counters.answer_ticks)))?;
    report_claims(meter, "repossess100", FORCED, || {
        claim(victim, first + FRAMES, account(|counters| counters.force_ticks))
    })
}
