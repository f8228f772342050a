//! Frames by the hundred: allocating, binding and unbinding them by name.

use crate::meter::Meter;
use alloc::format;
use alloc::string::{String, ToString};
use exo_user::abi::boot_page::FrameRun;
use exo_user::abi::capability::rights;
use exo_user::abi::info::frame_state;
use exo_user::call::{Failure, Kernel, Machine};
use exo_user::frames::{extend_window, window};
use exo_user::info;
use measure::{Operation, Plan};

/// The slot of the environment's own capability.
const OWN: u8 = 0;
const READ_WRITE: u64 = rights::READ | rights::WRITE;
/// Frames of one call.
const FRAMES: u64 = 100;
/// Hundreds that are measured: each is allocated once, since nobody scrubs what comes back to its owner.
const HUNDREDS: u32 = 200;

fn failed(what: &str) -> impl Fn(Failure) -> String {
    move |failure| format!("{what}: {failure:?}")
}

/// The first of so many free frames in a row, above those that were taken before.
pub fn free_run(from: u64, count: u64) -> Result<u64, String> {
    let mut runs = info::free_runs(from);
    runs.find(|run| run.count >= count).map(|run| run.first).ok_or_else(|| format!("no {count} free frames in a row"))
}

/// Whether the kernel shows all of a hundred in this state.
fn all(first: u64, state: u8) -> bool {
    (first..first + FRAMES).all(|frame| info::frame(frame).is_some_and(|record| record.state == state))
}

/// `alloc100`: frames that still hold what somebody else left in them, another hundred each time.
struct Allocate {
    next: u64,
    nonce: u64,
    free_before: bool,
    scrubbed: u64,
}

impl Operation for Allocate {
    fn prepare(&mut self, nonce: u64) {
        (self.nonce, self.free_before) = (nonce, all(self.next, frame_state::FREE));
    }

    #[inline(always)]
    fn run(&mut self) {
        self.scrubbed = Machine.allocate_run(OWN, self.next, FRAMES).unwrap_or(0);
    }

    fn evidence(&mut self) -> u64 {
        let good = self.free_before && self.scrubbed == FRAMES && all(self.next, frame_state::OWNED);
        self.next += FRAMES;
        if good { self.nonce } else { !self.nonce }
    }
}

/// Measures `alloc100`.
pub fn allocate(meter: &mut Meter) -> Result<(), String> {
    let first = free_run(0, FRAMES * u64::from(HUNDREDS))?;
    let plan = Plan { warm_up: 0, ..Plan::of(FRAMES).at_most(HUNDREDS).with_rings(0) };
    let mut operation = Allocate { next: first, nonce: 0, free_before: false, scrubbed: 0 };
    let result = meter.row("alloc100", &plan, &mut operation).map_err(|failure| failure.to_string());
    for hundred in (first..operation.next).step_by(100) {
        Machine.free_run(OWN, hundred, FRAMES).map_err(failed("free"))?;
    }
    result
}

/// A hundred own frames that are bound and unbound over and over, and can be reached through the window while they are bound.
#[derive(Clone, Copy)]
struct Hundred {
    first: u64,
    nonce: u64,
}

impl Hundred {
    #[inline(always)]
    fn bind(self) -> bool {
        // SAFETY: nothing refers to these frames but `place`, which is used while they are bound.
        unsafe { Machine.bind_run(0, 0, OWN.into(), READ_WRITE, self.first, FRAMES) }.is_ok()
    }

    #[inline(always)]
    fn unbind(self) -> bool {
        // SAFETY: as above.
        unsafe { Machine.unbind_run(0, 0, 0, self.first, FRAMES) }.is_ok()
    }

    /// The first word of each frame.
    fn places(self) -> impl Iterator<Item = *mut u64> {
        (self.first..self.first + FRAMES).map(|frame| window(frame << 12).cast())
    }

    fn write(self) {
        // SAFETY: the frames are bound.
        self.places().for_each(|place| unsafe { place.write_volatile(self.nonce) });
    }

    /// The nonce if all frames hold it. They must be bound: else this faults, and nobody takes it.
    fn read(self) -> u64 {
        // SAFETY: as the caller promises; and a fault would end the guest.
        let holds = |place: *mut u64| unsafe { place.read_volatile() } == self.nonce;
        if self.places().all(holds) { self.nonce } else { !self.nonce }
    }

    /// The nonce if the kernel shows all as bound nowhere.
    fn unbound(self) -> u64 {
        let unbound = |frame| info::frame(frame).is_some_and(|record| record.binders == 0);
        if (self.first..self.first + FRAMES).all(unbound) { self.nonce } else { !self.nonce }
    }
}

/// `bind100`; what the frames hold is put there before.
struct Bind(Hundred);

impl Operation for Bind {
    fn prepare(&mut self, nonce: u64) {
        // Bound by the run before, or before the first.
        self.0.nonce = nonce;
        self.0.write();
        self.0.unbind();
    }

    #[inline(always)]
    fn run(&mut self) {
        self.0.bind();
    }

    fn evidence(&mut self) -> u64 {
        self.0.read()
    }
}

/// `unbind100`.
struct Unbind(Hundred);

impl Operation for Unbind {
    fn prepare(&mut self, nonce: u64) {
        self.0.nonce = nonce;
        self.0.write();
    }

    #[inline(always)]
    fn run(&mut self) {
        self.0.unbind();
    }

    fn evidence(&mut self) -> u64 {
        let evidence = self.0.unbound();
        self.0.bind();
        if self.0.read() == evidence { evidence } else { !evidence }
    }
}

/// Measures `bind100` and `unbind100`.
pub fn bind_and_unbind(meter: &mut Meter) -> Result<(), String> {
    // One more: the EPT table is there already, as for an environment that has other frames near these.
    let first = free_run(0, FRAMES + 1)?;
    Machine.allocate_run(OWN, first, FRAMES + 1).map_err(failed("allocate"))?;
    // SAFETY: nothing refers to these frames, which were nobody's a moment ago.
    unsafe { Machine.bind_run(0, 0, OWN.into(), READ_WRITE, first, FRAMES + 1) }.map_err(failed("bind"))?;
    extend_window(FrameRun { first, count: FRAMES }).map_err(|error| error.to_string())?;
    let hundred = Hundred { first, nonce: 0 };
    let plan = Plan::of(FRAMES).with_rings(0);
    meter.row("bind100", &plan, &mut Bind(hundred)).map_err(|failure| failure.to_string())?;
    meter.row("unbind100", &plan, &mut Unbind(hundred)).map_err(|failure| failure.to_string())?;
    // SAFETY: as above.
    unsafe { Machine.unbind_run(0, 0, 0, first, FRAMES + 1) }.map_err(failed("unbind"))?;
    Machine.free_run(OWN, first, FRAMES + 1).map_err(failed("free"))?;
    Ok(())
}
