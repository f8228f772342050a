//! Giving back what is asked for, and learning what was taken: a handler that a library OS may use, feed or replace.
//!
//! It gives what the pool of frames has free, then asks the application to let go of more, and tells it what was lost. The upcall
//! only sets a flag; the work is done where the application calls [`poll`], unless it has chosen [`install_direct`].

mod answer;
#[cfg(test)]
mod tests;

pub use answer::Answered;

use crate::call::{Failure, Kernel, Machine};
use crate::capability::Capability;
use crate::events::{self, Upcall};
use crate::{frames, info};
use answer::Holdings;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use exo_abi::boot_page::FrameRun;
pub use exo_abi::environment_page::{Repossession, Request, kind, phase, reason};
use spin::Mutex;

/// What the application is asked to let go of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// So many frames of its choice.
    Frames {
        /// How many more than the pool had.
        count: u64,
    },
    /// These frames, as far as it holds them.
    Run(FrameRun),
}

/// The application's part. Everything has a default: an application without choices gives what is free and nothing else.
pub trait Victims {
    /// Lets go of frames, by dropping what holds them. Only own ones count, see [`frames::is_own`].
    fn release(&mut self, asked: Asked) {
        let _ = asked;
    }

    /// Whether a slice is given back when it is asked for. If not, it is taken after the deadline.
    fn gives_slice(&mut self, cpu: u64, position: u64) -> bool {
        let _ = (cpu, position);
        true
    }

    /// Something was taken, by force or with a capability. Who has references to such frames lets go of them: whatever holds
    /// them may be dropped, but they can no longer be used.
    fn lost(&mut self, lost: &Repossession) {
        let _ = lost;
    }

    /// More was lost than the vector keeps. Own frames that are missing are told one by one after this; frames of others that
    /// the application has bound it must look up itself.
    fn fell_behind(&mut self) {}
}

/// Nothing to choose.
impl Victims for () {}

static PENDING: AtomicBool = AtomicBool::new(false);
/// Entries of the repossession vector that were read.
static SEEN: AtomicU64 = AtomicU64::new(0);
static ANSWERING: Mutex<()> = Mutex::new(());
static DIRECT: Mutex<Option<&'static Mutex<dyn Victims + Send>>> = Mutex::new(None);

/// The environment's own pages, pool and slices.
struct Own;

impl Holdings for Own {
    fn request(&self) -> Option<Request> {
        info::request()
    }

    fn repossessed(&self) -> u64 {
        info::repossessed()
    }

    fn repossession(&self, number: u64) -> Option<Repossession> {
        info::repossession(number)
    }

    fn give(&mut self, range: Range<u64>, count: u64) -> u64 {
        frames::shrink(range, count)
    }

    fn give_slice(&mut self, cpu: u64, position: u64) -> Result<u64, Failure> {
        Machine.slice_free(Capability::own().slot(), cpu, position)
    }

    fn lose(&mut self, frame: u64) {
        frames::lose(frame);
    }

    fn next_held(&self, from: u64) -> Option<u64> {
        frames::next_held(from)
    }

    fn is_usable(&self, frame: u64) -> bool {
        frames::is_usable(frame)
    }
}

fn on_event(_upcall: &mut Upcall<'_>) {
    PENDING.store(true, Ordering::Release);
    serve_directly();
}

/// Does the work now, where the application has chosen so. What the interrupted code has in hand it cannot let go of before this
/// returns; then the work waits for the next event, or for [`poll`].
pub(crate) fn serve_directly() {
    if !pending() {
        return;
    }
    let Some(victims) = DIRECT.try_lock().and_then(|direct| *direct) else { return };
    if let Some(mut victims) = victims.try_lock()
        && !frames::is_busy()
        && let Some(_alone) = ANSWERING.try_lock()
    {
        PENDING.store(false, Ordering::Release);
        answer::answer(&mut Own, &mut *victims, &SEEN);
    }
}

/// Takes the events of revocation from now on: they set the flag that [`pending`] shows.
pub fn install() {
    for event in [events::REVOCATION, events::REPOSSESSION, events::CREDENTIAL_REVOKED] {
        events::set_handler(event, on_event);
    }
}

/// The same, but the upcall does the work at once, or, where the code that it interrupts has `victims` or the pool in hand, the
/// upcall of the next event that is not masked; the beginning of a slice is one. `victims` must not use the heap, nor wait for anything that
/// such code may hold.
pub fn install_direct(victims: &'static Mutex<dyn Victims + Send>) {
    events::critical(|| *DIRECT.lock() = Some(victims));
    install();
    // What has come before has had its upcall.
    PENDING.store(true, Ordering::Release);
    x86_64::instructions::interrupts::without_interrupts(serve_directly);
}

/// Whether something was asked or lost since the last [`poll`].
#[must_use]
pub fn pending() -> bool {
    PENDING.load(Ordering::Acquire)
}

/// Tells what was lost, and gives what is asked for, as far as there is something to give. Costs a few reads where there is neither.
pub fn poll(victims: &mut (impl Victims + ?Sized)) -> Answered {
    events::critical(|| {
        let _alone = ANSWERING.lock();
        PENDING.store(false, Ordering::Release);
        answer::answer(&mut Own, victims, &SEEN)
    })
}
