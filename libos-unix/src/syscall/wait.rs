//! Ending, and waiting for children that end.

use super::{Call, Outcome, Restart, Stop};
use crate::errno::Errno;
use crate::process::WaitStatus;
use crate::signal::Signal;
use crate::unix::{WaitOptions, Whom};

pub(super) fn exit(call: &Call<'_>) -> Outcome {
    call.unix.end_thread(call.thread, WaitStatus::Exited(call.int(0) as u8));
    Err(Stop::GONE)
}

pub(super) fn exit_group(call: &Call<'_>) -> Outcome {
    call.unix.end_process(call.process(), WaitStatus::Exited(call.int(0) as u8));
    Err(Stop::GONE)
}
/// Waits for a child; what became of which.
fn wait_for(
    call: &Call<'_>,
    whom: Whom,
    options: WaitOptions,
) -> core::result::Result<Option<crate::unix::Ended>, Stop> {
    match call.unix.wait_for(call.process(), whom, options)? {
        None if options.contains(WaitOptions::NOHANG) => Ok(None),
        None => {
            call.enter(&call.process().waiting);
            Err(Stop::wait(Restart::IfAsked))
        }
        found => Ok(found),
    }
}

pub(super) fn wait4(call: &Call<'_>) -> Outcome {
    let [_, status_at, _, usage_at, ..] = call.arguments();
    let allowed = WaitOptions::NOHANG
        | WaitOptions::STOPPED
        | WaitOptions::CONTINUED
        | WaitOptions::NOTHREAD
        | WaitOptions::ALL
        | WaitOptions::CLONE;
    let options = WaitOptions::from_bits(call.uint(2)).filter(|&options| allowed.contains(options));
    let options = options.ok_or(Errno::EINVAL)? | WaitOptions::EXITED;
    let whom = match call.int(0) {
        i32::MIN => return Err(Errno::ESRCH.into()),
        -1 => Whom::Any,
        0 => Whom::Group(call.process().group.get()),
        id if id < 0 => Whom::Group(id.unsigned_abs()),
        id => Whom::Process(id.cast_unsigned()),
    };
    let Some(ended) = wait_for(call, whom, options)? else { return Ok(0) };
    call.write_if(status_at, &ended.status.encode())?;
    if usage_at != 0 {
        super::resources::write_usage(call, usage_at, ended.process.times.get())?;
    }
    Ok(ended.process.id.into())
}

pub(super) fn waitid(call: &Call<'_>) -> Outcome {
    const ANY: u32 = 0;
    const PROCESS: u32 = 1;
    const GROUP: u32 = 2;
    let [_, _, information_at, _, usage_at, _] = call.arguments();
    let options = WaitOptions::from_bits(call.uint(3)).ok_or(Errno::EINVAL)?;
    let wanted = WaitOptions::EXITED | WaitOptions::STOPPED | WaitOptions::CONTINUED;
    if !options.intersects(wanted) {
        return Err(Errno::EINVAL.into());
    }
    let id = call.int(1);
    let whom = match call.uint(0) {
        ANY => Whom::Any,
        PROCESS if id > 0 => Whom::Process(id.cast_unsigned()),
        GROUP if id > 0 => Whom::Group(id.cast_unsigned()),
        GROUP if id == 0 => Whom::Group(call.process().group.get()),
        _ => return Err(Errno::EINVAL.into()),
    };
    let Some(ended) = wait_for(call, whom, options)? else {
        if information_at != 0 {
            call.write(information_at, &[0_u32; 3])?;
            call.write(information_at.wrapping_add(16), &[0_u32; 3])?;
        }
        return Ok(0);
    };
    if usage_at != 0 {
        super::resources::write_usage(call, usage_at, ended.process.times.get())?;
    }
    if information_at != 0 {
        let (code, status) = ended.status.child_code();
        call.write(information_at, &[i32::from(Signal::CHILD.number()), 0, code])?;
        let user = ended.process.user.get();
        call.write(information_at.wrapping_add(16), &[ended.process.id, user, status.cast_unsigned()])?;
    }
    Ok(0)
}
