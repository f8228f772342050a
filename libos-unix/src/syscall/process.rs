//! What a process and its threads say of themselves, and what is said of them.

use super::{Call, Outcome};
use crate::errno::Errno;
use crate::memory::USER_END;
use crate::signal::Signal;

pub(super) fn set_tid_address(call: &Call<'_>) -> Outcome {
    call.thread.clear_child_id.set(call.arguments()[0]);
    Ok(call.thread.id().into())
}
/// Only Linux's own personality, and what programs ask it with.
pub(super) fn personality(call: &Call<'_>) -> Outcome {
    const ASK: u32 = u32::MAX;
    const ADDRESSES_NOT_RANDOM: u32 = 0x004_0000;
    match call.uint(0) {
        // Nothing is random about addresses anyway.
        0 | ASK | ADDRESSES_NOT_RANDOM => Ok(0),
        _ => Err(Errno::EINVAL.into()),
    }
}

pub(super) fn arch_prctl(call: &Call<'_>) -> Outcome {
    const SET_GS: u32 = 0x1001;
    const SET_FS: u32 = 0x1002;
    const GET_FS: u32 = 0x1003;
    const GET_GS: u32 = 0x1004;
    let address = call.arguments()[1];
    let context = &call.thread.context;
    match call.uint(0) {
        SET_FS | SET_GS if address >= USER_END => return Err(Errno::EPERM.into()),
        SET_FS => context.set_fs_base(address),
        SET_GS => context.set_gs_base(address),
        GET_FS => call.write(address, &context.fs_base())?,
        GET_GS => call.write(address, &context.gs_base())?,
        _ => return Err(Errno::EINVAL.into()),
    }
    crate::machine::load_bases(context);
    Ok(0)
}

pub(super) fn prctl(call: &Call<'_>) -> Outcome {
    let [_, argument, ..] = call.arguments();
    let process = call.process();
    match call.uint(0) {
        1 => process.parent_death_signal.set(match argument {
            0 => 0,
            number => Signal::new(number).ok_or(Errno::EINVAL)?.number().into(),
        }),
        2 => call.write(argument, &(process.parent_death_signal.get() as u32))?,
        3 => return Ok(process.dumpable.get().into()),
        4 => match argument {
            0 | 1 => process.dumpable.set(argument == 1),
            _ => return Err(Errno::EINVAL.into()),
        },
        15 => {
            let mut name = [0; 16];
            let bytes = call.string(argument, 16, Errno::EINVAL);
            let bytes = bytes.or_else(|_| call.read::<[u8; 15]>(argument).map(|bytes| bytes.to_vec()))?;
            name[..bytes.len().min(15)].copy_from_slice(&bytes[..bytes.len().min(15)]);
            call.thread.name.set(name);
        }
        16 => call.write(argument, &call.thread.name.get())?,
        36 => process.is_subreaper.set(argument != 0),
        37 => call.write(argument, &u32::from(process.is_subreaper.get()))?,
        38 if argument == 1 => process.no_new_privileges.set(true),
        39 => return Ok(process.no_new_privileges.get().into()),
        // Timer slack.
        29 => {}
        30 => return Ok(50_000),
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(0)
}
