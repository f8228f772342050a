//! Signals.

use super::{Call, Outcome, Restart, Stop};
use crate::clock::monotonic;
use crate::errno::{Errno, Result};
use crate::process::{AlternateStack, Process};
use crate::signal::{
    Action, DISABLED, DISARMS, Information, ON_STACK, Signal, SignalSet, StackDescription, code, pop_frame,
};
use alloc::rc::Rc;

/// Bytes of a sigset_t of the kernel's.
const SET_BYTES: u64 = 8;
/// The smallest alternate stack (MINSIGSTKSZ).
const SMALLEST_STACK: u64 = 2048;

fn signal(number: u32) -> Result<Signal> {
    Signal::new(number.into()).ok_or(Errno::EINVAL)
}

/// As [`signal`], with 0 for none.
fn signal_or_none(number: u32) -> Result<Option<Signal>> {
    if number == 0 { Ok(None) } else { signal(number).map(Some) }
}

pub(super) fn rt_sigaction(call: &Call<'_>) -> Outcome {
    let [_, new, old, bytes, ..] = call.arguments();
    let signal = signal(call.uint(0))?;
    if bytes != SET_BYTES || (new != 0 && SignalSet::UNSTOPPABLE.contains(signal)) {
        return Err(Errno::EINVAL.into());
    }
    let action = if new == 0 { None } else { Some(Action::decode(call.read(new)?)) };
    let actions = Rc::clone(&call.process().actions.borrow());
    let before = *actions.borrow().get(signal);
    if let Some(action) = action {
        actions.borrow_mut().set(signal, action);
        if actions.borrow().ignores(signal) {
            discard(call.process(), signal);
        } else {
            call.process().timers.resume(signal);
            call.process().interval_timers.resume(signal);
        }
    }
    call.write_if(old, &before.encode())?;
    Ok(0)
}

/// What is ignored from now on and waits already is not seen any more (POSIX, 2.4.3).
fn discard(process: &Process, signal: Signal) {
    process.pending.borrow_mut().discard_one(signal);
    process.threads.borrow().iter().for_each(|thread| thread.pending.borrow_mut().discard_one(signal));
}

pub(super) fn rt_sigprocmask(call: &Call<'_>) -> Outcome {
    let [_, new, old, bytes, ..] = call.arguments();
    if bytes != SET_BYTES {
        return Err(Errno::EINVAL.into());
    }
    let before = call.thread.mask.get();
    if new != 0 {
        let set = SignalSet(call.read(new)?) & !SignalSet::UNSTOPPABLE;
        call.thread.mask.set(match call.uint(0) {
            0 => before | set,
            1 => before & !set,
            2 => set,
            _ => return Err(Errno::EINVAL.into()),
        });
        call.unix.attend_if_signalled(call.thread);
    }
    call.write_if(old, &before.0)?;
    Ok(0)
}

pub(super) fn rt_sigpending(call: &Call<'_>) -> Outcome {
    if call.arguments()[1] > SET_BYTES {
        return Err(Errno::EINVAL.into());
    }
    let pending = call.thread.pending.borrow().set() | call.process().pending.borrow().set();
    let blocked = pending & call.thread.mask.get();
    call.with_memory(|memory| memory.write_bytes(call.arguments()[0], &blocked.0.to_le_bytes()))?;
    Ok(0)
}

pub(super) fn rt_sigreturn(call: &Call<'_>) -> Outcome {
    if pop_frame(call.thread).is_err() {
        call.unix.force(call.thread, Information::kernel(Signal::SEGMENT));
    }
    call.unix.attend_if_signalled(call.thread);
    Err(Stop::GONE)
}

pub(super) fn rt_sigsuspend(call: &Call<'_>) -> Outcome {
    if call.arguments()[1] != SET_BYTES {
        return Err(Errno::EINVAL.into());
    }
    let set: u64 = call.read(call.arguments()[0])?;
    set_temporary_mask(call, SignalSet(set));
    Err(Stop::wait(Restart::UnlessHandled))
}

/// Another mask until the call is over, or the handler that ends it.
pub(super) fn set_temporary_mask(call: &Call<'_>, mask: SignalSet) {
    if !call.progress().waited && call.thread.saved_mask.get().is_none() {
        call.thread.saved_mask.set(Some(call.thread.mask.get()));
        call.thread.mask.set(mask & !SignalSet::UNSTOPPABLE);
        call.unix.attend();
    }
}

/// The mask from before, if a call is over that has nothing to say of signals: those that came meanwhile wait for it.
pub(super) fn restore_mask_after(call: &Call<'_>, outcome: &Outcome) {
    let over = match outcome {
        Ok(_) => true,
        Err(stop) => matches!(stop.kind(), super::StopKind::Error(_)),
    };
    if over {
        restore_mask(call);
    }
}

pub(super) fn pause(_: &Call<'_>) -> Outcome {
    Err(Stop::wait(Restart::UnlessHandled))
}

pub(super) fn restart_syscall(_: &Call<'_>) -> Outcome {
    Err(Errno::EINTR.into())
}

pub(super) fn rt_sigtimedwait(call: &Call<'_>) -> Outcome {
    let [set, information, timeout, bytes, ..] = call.arguments();
    if bytes != SET_BYTES {
        return Err(Errno::EINVAL.into());
    }
    let wanted = SignalSet(call.read(set)?) & !SignalSet::UNSTOPPABLE;
    let limit = if timeout == 0 { None } else { Some(super::clocks::duration(call, timeout)?) };
    if let Some(taken) = call.thread.take_signal(wanted) {
        restore_mask(call);
        call.write_if(information, &taken.encode())?;
        return Ok(taken.signal.number().into());
    }
    call.wait_until(|| limit.map(|limit| monotonic().saturating_add(limit)));
    if call.is_late() || limit == Some(0) {
        restore_mask(call);
        return Err(Errno::EAGAIN.into());
    }
    // So that they wake it, though they are blocked.
    if call.thread.saved_mask.get().is_none() {
        call.thread.saved_mask.set(Some(call.thread.mask.get()));
        call.thread.mask.set(call.thread.mask.get() & !wanted);
    }
    if call.is_interrupted() {
        restore_mask(call);
    }
    Err(Stop::wait(Restart::Never))
}

pub(super) fn restore_mask(call: &Call<'_>) {
    if let Some(mask) = call.thread.saved_mask.take() {
        call.thread.mask.set(mask);
    }
}

pub(super) fn sigaltstack(call: &Call<'_>) -> Outcome {
    let [new, old, ..] = call.arguments();
    let rsp = call.thread.context.registers().rsp;
    let before = call.thread.alternate_stack.get();
    let wanted: Option<StackDescription> = if new == 0 { None } else { Some(call.read(new)?) };
    if let Some(StackDescription { start, flags, bytes }) = wanted {
        let flags = u64::from(flags as u32);
        if before.holds(rsp) {
            return Err(Errno::EPERM.into());
        }
        let disarms = flags & DISARMS != 0;
        call.thread.alternate_stack.set(match flags & !DISARMS {
            DISABLED => AlternateStack::default(),
            0 | ON_STACK if bytes < SMALLEST_STACK => return Err(Errno::ENOMEM.into()),
            0 | ON_STACK => AlternateStack { start, bytes, disarms },
            _ => return Err(Errno::EINVAL.into()),
        });
    }
    call.write_if(old, &StackDescription::of(&before, rsp))?;
    Ok(0)
}

/// Whether the caller may send something to a process (kill(2)).
fn may_signal(call: &Call<'_>, process: &Process, signal: Option<Signal>) -> bool {
    let own = call.thread.credentials.borrow();
    let same_session = process.session.get() == call.process().session.get();
    let users = process.leader().map(|leader| leader.credentials.borrow().user);
    let [real, _, saved, _] = users.unwrap_or([process.user.get(); 4]);
    own.is_privileged()
        || [own.user[0], own.user[1]].iter().any(|user| [real, saved].contains(user))
        || (signal == Some(Signal::CONTINUE) && same_session)
        || process.id == call.process().id
}

fn from_caller(call: &Call<'_>, signal: Signal, code: i32) -> Information {
    Information::sent(signal, code, call.process().id, call.thread.credentials.borrow().user[0])
}

fn send_if_allowed(call: &Call<'_>, process: &Rc<Process>, signal: Option<Signal>) -> Result<()> {
    if !may_signal(call, process, signal) {
        return Err(Errno::EPERM);
    }
    if let Some(signal) = signal {
        call.unix.send(process, from_caller(call, signal, code::USER));
    }
    Ok(())
}

pub(super) fn kill(call: &Call<'_>) -> Outcome {
    let signal = signal_or_none(call.uint(1))?;
    let id = call.int(0);
    if id > 0 {
        let process = call.unix.process(id.cast_unsigned()).ok_or(Errno::ESRCH)?;
        send_if_allowed(call, &process, signal)?;
        return Ok(0);
    }
    let targets = if id == -1 {
        let others = |process: &&Rc<Process>| process.id != call.unix.init.id && process.id != call.process().id;
        call.unix.processes.borrow().values().filter(others).cloned().collect()
    } else if id == i32::MIN {
        return Err(Errno::ESRCH.into());
    } else {
        call.unix.group(if id == 0 { call.process().group.get() } else { id.unsigned_abs() })
    };
    let mut outcome = Err(Errno::ESRCH);
    for process in targets {
        let sent = send_if_allowed(call, &process, signal);
        if outcome != Ok(()) {
            outcome = sent;
        }
    }
    outcome?;
    Ok(0)
}

fn send_to_thread(
    call: &Call<'_>,
    group: Option<u32>,
    id: u32,
    number: u32,
    information: Option<Information>,
) -> Outcome {
    if id.cast_signed() <= 0 || group.is_some_and(|group| group.cast_signed() <= 0) {
        return Err(Errno::EINVAL.into());
    }
    let signal = signal_or_none(number)?;
    let thread = call.unix.thread(id).ok_or(Errno::ESRCH)?;
    if group.is_some_and(|group| thread.process.id != group) {
        return Err(Errno::ESRCH.into());
    }
    if !may_signal(call, &thread.process, signal) {
        return Err(Errno::EPERM.into());
    }
    if let Some(signal) = signal {
        let information = information.unwrap_or_else(|| from_caller(call, signal, code::TKILL));
        if !call.unix.send_to_thread(&thread, information) {
            return Err(Errno::EAGAIN.into());
        }
    }
    Ok(0)
}

pub(super) fn tkill(call: &Call<'_>) -> Outcome {
    send_to_thread(call, None, call.uint(0), call.uint(1), None)
}

pub(super) fn tgkill(call: &Call<'_>) -> Outcome {
    send_to_thread(call, Some(call.uint(0)), call.uint(1), call.uint(2), None)
}

/// Whether the user of a process has as many signals waiting as it may (RLIMIT_SIGPENDING).
fn is_full(process: &Process) -> bool {
    let limit = process.limits.get().soft(crate::process::Resource::PendingSignals);
    let own: usize = process.threads.borrow().iter().map(|thread| thread.pending.borrow().count()).sum();
    (process.pending.borrow().count() + own) as u64 >= limit
}

/// What the caller wants said; only to itself may it speak as the kernel or kill(2) would.
fn queued(call: &Call<'_>, number: u32, address: u64, to_itself: bool) -> Result<Option<Information>> {
    let bytes: [u8; 128] = call.read(address)?;
    // Any will do to look at the code, which is checked first.
    let signal = signal_or_none(number);
    let information = Information::decode(signal.ok().flatten().unwrap_or(Signal::HANGUP), &bytes);
    if (information.code >= 0 || information.code == code::TKILL) && !to_itself {
        return Err(Errno::EPERM);
    }
    Ok(signal?.map(|_| information))
}

pub(super) fn rt_sigqueueinfo(call: &Call<'_>) -> Outcome {
    let itself = call.uint(0) == call.process().id;
    let information = queued(call, call.uint(1), call.arguments()[2], itself)?;
    let process = call.unix.process(call.uint(0)).ok_or(Errno::ESRCH)?;
    if !may_signal(call, &process, information.map(|information| information.signal)) {
        return Err(Errno::EPERM.into());
    }
    let Some(information) = information else { return Ok(0) };
    if information.signal.queues() && is_full(&process) {
        return Err(Errno::EAGAIN.into());
    }
    if call.unix.send(&process, information) { Ok(0) } else { Err(Errno::EAGAIN.into()) }
}

pub(super) fn rt_tgsigqueueinfo(call: &Call<'_>) -> Outcome {
    let itself = call.uint(0) == call.process().id;
    let information = queued(call, call.uint(2), call.arguments()[3], itself)?;
    send_to_thread(call, Some(call.uint(0)), call.uint(1), call.uint(2), information)
}
