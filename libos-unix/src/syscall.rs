//! System calls: the table, and what one is made with.
//!
//! A handler does what it can at once. One that would have to wait enters the queues of what it waits for and says so; it is made again,
//! with the same arguments, when something has changed. What must survive from one time to the next is in the thread's
//! [`Progress`](crate::process::Progress).

mod ancillary;
mod call;
mod clocks;
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

pub use call::{Call, Outcome, Restart, Stop, StopKind};
pub use system::RELEASE;
pub use table::{Entry, TABLE};
use table::{HANDLERS, Handler};

use crate::errno::Errno;
use crate::process::Thread;
use crate::unix::Unix;
use alloc::rc::Rc;

/// Makes the call that a thread's registers name, for the first time. False where the thread cannot simply go on, for whatever
/// wants attention.
#[inline(always)]
pub(crate) fn dispatch(unix: &Unix, thread: &Rc<Thread>) -> bool {
    let call = Call { unix, thread };
    match handler(thread.context.number())(&call) {
        Ok(value) => {
            thread.context.set_result(value);
            if unix.attention.get() {
                forget_progress(&call);
                return false;
            }
            true
        }
        Err(stop) => {
            stopped(&call, stop);
            false
        }
    }
}

#[inline(always)]
fn handler(number: u64) -> Handler {
    HANDLERS.get(number as usize).copied().unwrap_or(unknown)
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
    let outcome = handler(thread.context.number())(&call);
    thread.interrupted.set(false);
    match outcome {
        Ok(value) => finish(&call, value),
        Err(stop) => stopped(&call, stop),
    }
    !thread.in_call.get()
}
