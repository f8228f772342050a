//! Who one is: numbers, users and groups.

use super::{Call, Outcome};
use crate::errno::{Errno, Result};
use crate::file::Credentials;
use alloc::rc::Rc;
use alloc::vec::Vec;

pub(super) fn getpid(call: &Call<'_>) -> Outcome {
    Ok(call.process().id.into())
}

pub(super) fn gettid(call: &Call<'_>) -> Outcome {
    Ok(call.thread.id().into())
}

pub(super) fn getppid(call: &Call<'_>) -> Outcome {
    Ok(call.process().parent_id().into())
}

pub(super) fn getpgrp(call: &Call<'_>) -> Outcome {
    Ok(call.process().group.get().into())
}

fn process_of(call: &Call<'_>) -> Result<Rc<crate::process::Process>> {
    match call.uint(0) {
        0 => Ok(Rc::clone(call.process())),
        id => call.unix.process(id).ok_or(Errno::ESRCH),
    }
}

pub(super) fn getpgid(call: &Call<'_>) -> Outcome {
    Ok(process_of(call)?.group.get().into())
}

pub(super) fn getsid(call: &Call<'_>) -> Outcome {
    Ok(process_of(call)?.session.get().into())
}

pub(super) fn setpgid(call: &Call<'_>) -> Outcome {
    call.unix.set_group(call.process(), call.uint(0), call.uint(1))?;
    Ok(0)
}

pub(super) fn setsid(call: &Call<'_>) -> Outcome {
    Ok(call.unix.new_session(call.process())?.into())
}

/// What the kernel takes for "as it is".
const SAME: u32 = u32::MAX;

fn credentials(call: &Call<'_>) -> Rc<Credentials> {
    Rc::clone(&call.thread.credentials.borrow())
}

/// Which of the four identifiers.
#[derive(Clone, Copy)]
enum Which {
    User,
    Group,
}

impl Which {
    fn of(self, credentials: &Credentials) -> [u32; 4] {
        match self {
            Self::User => credentials.user,
            Self::Group => credentials.group,
        }
    }
}

fn set(call: &Call<'_>, which: Which, ids: [u32; 4]) {
    let mut new = Credentials::clone(&credentials(call));
    match which {
        Which::User => new.user = ids,
        Which::Group => new.group = ids,
    }
    call.process().user.set(new.user[0]);
    *call.thread.credentials.borrow_mut() = Rc::new(new);
}

pub(super) fn getuid(call: &Call<'_>) -> Outcome {
    Ok(call.thread.credentials.borrow().user[0].into())
}

pub(super) fn geteuid(call: &Call<'_>) -> Outcome {
    Ok(call.thread.credentials.borrow().user[1].into())
}

pub(super) fn getgid(call: &Call<'_>) -> Outcome {
    Ok(call.thread.credentials.borrow().group[0].into())
}

pub(super) fn getegid(call: &Call<'_>) -> Outcome {
    Ok(call.thread.credentials.borrow().group[1].into())
}

fn set_one(call: &Call<'_>, which: Which) -> Outcome {
    let now = credentials(call);
    let [real, _, saved, _] = which.of(&now);
    let id = call.uint(0);
    if id == SAME {
        return Err(Errno::EINVAL.into());
    }
    if now.is_privileged() {
        set(call, which, [id; 4]);
    } else if id == real || id == saved {
        set(call, which, [real, id, saved, id]);
    } else {
        return Err(Errno::EPERM.into());
    }
    Ok(0)
}

pub(super) fn setuid(call: &Call<'_>) -> Outcome {
    set_one(call, Which::User)
}

pub(super) fn setgid(call: &Call<'_>) -> Outcome {
    set_one(call, Which::Group)
}

fn set_two(call: &Call<'_>, which: Which) -> Outcome {
    let now = credentials(call);
    let [real, effective, saved, _] = which.of(&now);
    let [wanted_real, wanted] = [call.uint(0), call.uint(1)];
    let privileged = now.is_privileged();
    let real_allowed = wanted_real == SAME || privileged || [real, effective].contains(&wanted_real);
    let allowed = wanted == SAME || privileged || [real, effective, saved].contains(&wanted);
    if !real_allowed || !allowed {
        return Err(Errno::EPERM.into());
    }
    let new_real = if wanted_real == SAME { real } else { wanted_real };
    let new = if wanted == SAME { effective } else { wanted };
    let follows = wanted_real != SAME || (wanted != SAME && wanted != real);
    set(call, which, [new_real, new, if follows { new } else { saved }, new]);
    Ok(0)
}

pub(super) fn setreuid(call: &Call<'_>) -> Outcome {
    set_two(call, Which::User)
}

pub(super) fn setregid(call: &Call<'_>) -> Outcome {
    set_two(call, Which::Group)
}

fn set_three(call: &Call<'_>, which: Which) -> Outcome {
    let now = credentials(call);
    let old = which.of(&now);
    let wanted = [call.uint(0), call.uint(1), call.uint(2)];
    if !now.is_privileged() && wanted.iter().any(|id| *id != SAME && !old[..3].contains(id)) {
        return Err(Errno::EPERM.into());
    }
    let choose = |index: usize| if wanted[index] == SAME { old[index] } else { wanted[index] };
    set(call, which, [choose(0), choose(1), choose(2), choose(1)]);
    Ok(0)
}

pub(super) fn setresuid(call: &Call<'_>) -> Outcome {
    set_three(call, Which::User)
}

pub(super) fn setresgid(call: &Call<'_>) -> Outcome {
    set_three(call, Which::Group)
}

fn get_three(call: &Call<'_>, which: Which) -> Outcome {
    let ids = which.of(&credentials(call));
    for (index, id) in ids.iter().take(3).enumerate() {
        call.write(call.arguments()[index], id)?;
    }
    Ok(0)
}

pub(super) fn getresuid(call: &Call<'_>) -> Outcome {
    get_three(call, Which::User)
}

pub(super) fn getresgid(call: &Call<'_>) -> Outcome {
    get_three(call, Which::Group)
}

/// Sets the identifier that files look at; the old one, whether or not that was allowed.
fn set_for_files(call: &Call<'_>, which: Which) -> Outcome {
    let now = credentials(call);
    let old = which.of(&now);
    let wanted = call.uint(0);
    if wanted != SAME && (now.is_privileged() || old.contains(&wanted)) {
        set(call, which, [old[0], old[1], old[2], wanted]);
    }
    Ok(old[3].into())
}

pub(super) fn setfsuid(call: &Call<'_>) -> Outcome {
    set_for_files(call, Which::User)
}

pub(super) fn setfsgid(call: &Call<'_>) -> Outcome {
    set_for_files(call, Which::Group)
}

/// Groups that a process may have (Linux: NGROUPS_MAX).
const MOST_GROUPS: i32 = 65_536;

pub(super) fn getgroups(call: &Call<'_>) -> Outcome {
    let groups = call.thread.credentials.borrow().groups.clone();
    let groups = groups.as_deref().unwrap_or(&[]);
    let room = call.int(0);
    if room < 0 || (room != 0 && (room as usize) < groups.len()) {
        return Err(Errno::EINVAL.into());
    }
    if room != 0 {
        call.write(call.arguments()[1], groups)?;
    }
    Ok(groups.len() as u64)
}

pub(super) fn setgroups(call: &Call<'_>) -> Outcome {
    let now = credentials(call);
    if !now.is_privileged() {
        return Err(Errno::EPERM.into());
    }
    let count = call.int(0);
    if !(0..=MOST_GROUPS).contains(&count) {
        return Err(Errno::EINVAL.into());
    }
    let read = |index: i32| call.read::<u32>(call.arguments()[1].wrapping_add(index as u64 * 4));
    let groups: Vec<u32> = (0..count).map(read).collect::<Result<_>>()?;
    *call.thread.credentials.borrow_mut() =
        Rc::new(Credentials { groups: Some(groups.into()), ..Credentials::clone(&now) });
    Ok(0)
}
