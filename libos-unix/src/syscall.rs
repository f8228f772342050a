//! System calls: the table, and what one is made with.
//!
//! A handler does what it can at once. One that would have to wait enters the queues of what it waits for and says so; it is made again,
//! with the same arguments, when something has changed. What must survive from one time to the next is in the thread's
//! [`Progress`](crate::process::Progress).

mod ancillary;
mod call;
mod clocks;
mod clone;
mod descriptors;
mod events;
mod exec;
mod futexes;
mod identity;
mod locks;
mod memory;
mod messages;
mod metadata;
mod open;
mod paths;
mod pipes;
mod poll;
mod process;
mod read_write;
mod resources;
mod signals;
mod socket_options;
mod sockets;
mod splice;
mod streams;
mod system;
mod table;
#[cfg(test)]
mod tests;
mod timers;
mod wait;

pub use call::{Call, Outcome, Restart, Stop, StopKind};
pub use system::RELEASE;
pub(crate) use table::HANDLERS;
pub use table::{Entry, TABLE};

use crate::errno::Errno;
use crate::process::Thread;
use crate::unix::Unix;
use alloc::rc::Rc;

/// What a handler has come to, in the two words in which the entry code takes it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Made {
    /// [`STOPS`](Self::STOPS) where it has no result, else 0.
    stops: u64,
    value: u64,
}

impl Made {
    /// Not 1, which stands for attention in the entry code.
    pub(crate) const STOPS: u64 = 2;

    /// Out of the words.
    #[cfg(target_os = "none")]
    pub(crate) const fn from_words(stops: u64, value: u64) -> Self {
        Self { stops, value }
    }

    const fn outcome(self) -> Outcome {
        if self.stops == 0 { Ok(self.value) } else { Err(Stop(self.value)) }
    }
}

impl From<Outcome> for Made {
    #[inline(always)]
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(value) => Self { stops: 0, value },
            Err(Stop(value)) => Self { stops: Self::STOPS, value },
        }
    }
}

/// Makes the call that a thread's registers name. The entry code does the same.
fn make(call: &Call<'_>) -> Made {
    let number = call.thread.context.number() as usize;
    HANDLERS[number.min(HANDLERS.len() - 1)](call)
}

/// Makes the call that a thread's registers name, for the first time. False where the thread cannot simply go on, for whatever
/// wants attention.
pub(crate) fn dispatch(unix: &Unix, thread: &Rc<Thread>) -> bool {
    let made = make(&Call { unix, thread });
    if made.stops == 0 && !unix.attention.get() {
        thread.context.set_result(made.value);
        return true;
    }
    after(unix, thread, made);
    false
}

/// What is left to do for a call that has no result, or while somebody wants attention.
pub(crate) fn after(unix: &Unix, thread: &Rc<Thread>, made: Made) {
    let call = Call { unix, thread };
    match made.outcome() {
        Ok(value) => {
            thread.context.set_result(value);
            forget_progress(&call);
        }
        Err(stop) => stopped(&call, stop),
    }
}

#[cold]
fn unknown(call: &Call<'_>) -> Outcome {
    *call.unix.unknown_calls.borrow_mut().entry(call.thread.context.number()).or_default() += 1;
    Err(Errno::ENOSYS.into())
}

#[cold]
fn stopped(call: &Call<'_>, stop: Stop) {
    match stop.kind() {
        StopKind::Error(result) => finish(call, result),
        // The registers are someone else's, or nobody's.
        StopKind::Gone => forget_progress(call),
        StopKind::Wait(restart) => wait(call, restart),
    }
}

/// The call is over.
fn finish(call: &Call<'_>, value: u64) {
    call.thread.context.set_result(value);
    forget_progress(call);
    call.unix.attend_if_signalled(call.thread);
}

fn forget_progress(call: &Call<'_>) {
    let thread = call.thread;
    thread.in_call.set(false);
    thread.progress.set(crate::process::Progress::default());
}

/// The thread waits, unless a signal is there already.
fn wait(call: &Call<'_>, restart: Restart) {
    let thread = call.thread;
    thread.in_call.set(true);
    thread.restart.set(restart);
    let mut progress = thread.progress.get();
    progress.waited = true;
    thread.progress.set(progress);
    call.unix.attend();
    if call.unix.is_interrupted(thread) {
        return;
    }
    if let Some(deadline) = progress.deadline {
        let who: Rc<dyn crate::schedule::Expire> = thread.clone();
        thread.timer.set(Some(call.unix.timers.add(deadline, Rc::downgrade(&who), thread.visit())));
    }
    thread.block();
}

/// Makes the call that a thread is in once more; whether it is over.
pub(crate) fn again(unix: &Unix, thread: &Rc<Thread>) -> bool {
    if let Some(timer) = thread.timer.take() {
        unix.timers.remove(timer);
    }
    thread.interrupted.set(unix.is_interrupted(thread));
    let call = Call { unix, thread };
    let made = make(&call);
    thread.interrupted.set(false);
    match made.outcome() {
        Ok(value) => finish(&call, value),
        Err(stop) => stopped(&call, stop),
    }
    !thread.in_call.get()
}
