//! Capabilities that it does not hold, or not with the right that it takes.

use super::{Case, EXITS, Verdict};
use crate::kit::child::{self, Child};
use crate::kit::list::List;
use crate::kit::neighbour::witness;
use crate::kit::{OWN, fails, fails_at, free_run, must, own, same, until, works};
use exo_user::EnvironmentId;
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights::{self, EXECUTE, READ, WRITE};
use exo_user::abi::error::Error;
use exo_user::abi::info::slice_state;
use exo_user::info;

pub const CASES: &[Case] = &[
    Case::new("empty-slot", EXITS, empty_slot, "presents slots that hold nothing or do not exist"),
    Case::new("weak-slot", EXITS, weak_slot, "presents a capability without the right that the call needs"),
    Case::new("long-name", EXITS, long_name, "derives names beyond 15 bytes and with bytes that do not count"),
    Case::new("amplified-rights", EXITS, amplified, "derives and grants more rights than it has"),
    Case::new("grant-without-consent", EXITS, unwanted_grant, "puts capabilities into a neighbour's slots"),
    Case::new("revoke-without-right", EXITS, revoke, "revokes what it may not, and then all that it may"),
    Case::new("forged-consent", EXITS, consent, "opens and uses slots in ways that give nothing"),
    Case::new("stale-environment", EXITS, stale, "names environments that have ended, and some that never were"),
    Case::new("audit-without-right", EXITS, audit, "has the kernel check its invariants without the right to"),
];

/// A slot for what the cases derive.
const DERIVED: u8 = 9;

/// Every call that needs a credential, with arguments that are right but for it.
fn calls_with_credential() -> Result<[(Call, [u64; 5]); 22], alloc::string::String> {
    let list = List::new(&[])?.leak();
    let (free, slice) = (free_run(1)?, last_free_slice());
    let own = own();
    Ok([
        (Call::CapabilityGrant, [own, 30, 0, 0, 0]),
        (Call::CapabilityRevoke, [0x7777, 8, 0, 0, 0]),
        (Call::AllocateRun, [free, 1, 0, 0, 0]),
        (Call::AllocateList, [list, 0, 0, 0, 0]),
        (Call::FreeRun, [free, 0, 0, 0, 0]),
        (Call::FreeList, [list, 0, 0, 0, 0]),
        (Call::SetGuard, [free, 0, 0, 0, 0]),
        (Call::ReserveAdd, [free, 0, 0, 0, 0]),
        (Call::EnvironmentCreate, [list, 0, 0, 0, 0]),
        (Call::EnvironmentStart, [own, 0, 0, 0, 0]),
        (Call::EnvironmentStop, [own, 0, 0, 0, 0]),
        (Call::EnvironmentDestroy, [own, 0, 0, 0, 0]),
        (Call::EnvironmentForget, [own, 0, 0, 0, 0]),
        (Call::EnvironmentName, [own, list, 0, 0, 0]),
        (Call::GuaranteeMove, [own, 0, 0, 0, 0]),
        (Call::VcpuCreate, [own, 0, 0, 0, 0]),
        (Call::Notify, [own, 0, 0, 0, 0]),
        (Call::SliceAllocate, [0, slice, 0, 0, 0]),
        (Call::SliceFree, [0, slice, 0, 0, 0]),
        (Call::SliceGive, [0, slice, 0, 0, 0]),
        (Call::ClaimSlice, [own, 0, slice, 0, 0]),
        (Call::Audit, [0; 5]),
    ])
}

fn empty_slot(_boot: &'static BootPage) -> Verdict {
    for (call, arguments) in calls_with_credential()? {
        for slot in [1, 40, 63, 64, 65, 128, 255] {
            fails_at(call, (slot, 0), &arguments, Error::BadSlot, slot.into())?;
        }
    }
    for slot in [40, 64, 255, 256, u64::from(u32::MAX) + 1, u64::MAX] {
        fails_at(Call::CapabilityDrop, (0, 0), &[slot], Error::BadSlot, slot)?;
        fails_at(Call::BindRun, (0, 0), &[0, slot, READ, 0, 0], Error::BadSlot, slot)?;
        fails_at(Call::ChangeRightsRun, (0, 0), &[0, slot, READ, 0, 0], Error::BadSlot, slot)?;
    }
    fails_at(Call::CapabilityDerive, (40, 0), &[41, 0, 0, 0], Error::BadSlot, 40)?;
    for to in [64, 256, 1 << 32, u64::MAX] {
        fails_at(Call::CapabilityDerive, (OWN, 0), &[to, 0, 0, 0], Error::BadSlot, to)?;
        fails_at(Call::CapabilityAccept, (0, 0), &[to, 0], Error::BadSlot, to)?;
        fails_at(Call::CapabilityGrant, (OWN, OWN), &[0, to, 0], Error::BadSlot, to)?;
    }
    // A slot where the call has none.
    for call in [Call::Null, Call::Yield, Call::Block, Call::CapabilityDrop, Call::SetGuaranteed] {
        fails(call, (1, 0), &[0], Error::BadArgument)?;
        fails(call, (0, 1), &[0], Error::BadArgument)?;
    }
    Ok(())
}

fn weak_slot(_boot: &'static BootPage) -> Verdict {
    works(Call::CapabilityDerive, (OWN, 0), &[DERIVED.into(), READ | WRITE | EXECUTE, 0, 0])?;
    for (call, arguments) in calls_with_credential()? {
        if matches!(call, Call::SliceFree | Call::SliceGive | Call::SliceAllocate) {
            fails(call, (DERIVED, OWN), &arguments, Error::Underprivileged)?;
        } else {
            fails(call, (DERIVED, 0), &arguments, Error::Underprivileged)?;
        }
    }
    fails(Call::SetGuard, (OWN, DERIVED), &[free_run(1)?, 0], Error::Underprivileged).map(drop)
}

fn long_name(_boot: &'static BootPage) -> Verdict {
    let derive = |from: u8, to: u8, suffix: u64, length: u64| {
        (Call::CapabilityDerive, (from, 0), [u64::from(to), rights::ALL, suffix, length])
    };
    let (call, slots, arguments) = derive(OWN, DERIVED, u64::MAX, 8);
    works(call, slots, &arguments)?;
    let (call, slots, arguments) = derive(DERIVED, 10, 0xff_ffff_ffff, 5);
    works(call, slots, &arguments)?;
    for (from, length) in [(10, 2), (10, 8), (DERIVED, 7), (DERIVED, 8)] {
        let suffix = if length == 8 { u64::MAX } else { (1 << (length * 8)) - 1 };
        let (call, slots, arguments) = derive(from, 11, suffix, length);
        fails(call, slots, &arguments, Error::NameTooLong)?;
    }
    for (suffix, length) in [(0, 9), (0, u64::MAX), (1, 0), (0x100, 1), (u64::MAX, 7)] {
        let (call, slots, arguments) = derive(OWN, 11, suffix, length);
        fails(call, slots, &arguments, Error::BadArgument)?;
        fails(Call::CapabilityRevoke, (OWN, 0), &[suffix, length], Error::BadArgument)?;
    }
    let (call, slots, arguments) = derive(OWN, DERIVED, 0, 0);
    fails_at(call, slots, &arguments, Error::SlotTaken, DERIVED.into())
}

fn amplified(_boot: &'static BootPage) -> Verdict {
    works(Call::CapabilityDerive, (OWN, 0), &[DERIVED.into(), READ | rights::GRANT, 0, 0])?;
    let kept = works(Call::CapabilityDerive, (DERIVED, 0), &[10, rights::ALL, 0, 0])?;
    same("rights of what was derived", kept, READ | rights::GRANT)?;
    let kept = works(Call::CapabilityGrant, (DERIVED, 0), &[0, 11, rights::ALL])?;
    same("rights of what was granted", kept, READ | rights::GRANT)?;
    for weak in [DERIVED, 10, 11] {
        fails(Call::AllocateRun, (weak, 0), &[free_run(1)?, 1], Error::Underprivileged)?;
    }
    for wanted in [rights::ALL + 1, u64::MAX, 1 << 63] {
        fails_at(Call::CapabilityDerive, (OWN, 0), &[12, wanted, 0, 0], Error::BadArgument, wanted)?;
        fails_at(Call::CapabilityGrant, (OWN, 0), &[0, 12, wanted], Error::BadArgument, wanted)?;
    }
    works(Call::CapabilityDerive, (OWN, 0), &[12, READ, 0, 0])?;
    fails(Call::CapabilityGrant, (12, 0), &[0, 13, READ], Error::Underprivileged).map(drop)
}

fn unwanted_grant(_boot: &'static BootPage) -> Verdict {
    let other = witness()?;
    for slot in 0..64 {
        fails(Call::CapabilityGrant, (OWN, OWN), &[other.argument(), slot, READ], Error::Underprivileged)?;
    }
    fails(Call::CapabilityGrant, (OWN, 40), &[other.argument(), 5, READ], Error::BadSlot).map(drop)
}

fn revoke(_boot: &'static BootPage) -> Verdict {
    works(Call::CapabilityDerive, (OWN, 0), &[DERIVED.into(), rights::ALL & !rights::REVOKE, 0, 0])?;
    works(Call::CapabilityDerive, (OWN, 0), &[10, rights::ALL, 5, 1])?;
    works(Call::CapabilityDerive, (OWN, 0), &[11, rights::ALL, 5, 2])?;
    fails(Call::CapabilityRevoke, (DERIVED, 0), &[0, 0], Error::Underprivileged)?;
    // The name is a prefix of no name but its own; revoking everything below it leaves the slot presented.
    same("slots emptied", works(Call::CapabilityRevoke, (OWN, 0), &[5, 2])?, 1)?;
    same("slots emptied", works(Call::CapabilityRevoke, (OWN, 0), &[0, 0])?, 2)?;
    same("slots emptied", works(Call::CapabilityRevoke, (OWN, 0), &[0, 0])?, 0)?;
    fails_at(Call::CapabilityDerive, (DERIVED, 0), &[12, 0, 0, 0], Error::BadSlot, DERIVED.into())
}

fn consent(_boot: &'static BootPage) -> Verdict {
    let other = witness()?;
    works(Call::CapabilityAccept, (0, 0), &[DERIVED.into(), other.argument()])?;
    for call in [Call::AllocateRun, Call::FreeRun] {
        fails_at(call, (DERIVED, 0), &[free_run(1)?, 1], Error::BadSlot, DERIVED.into())?;
    }
    fails_at(Call::CapabilityAccept, (0, 0), &[DERIVED.into(), own()], Error::SlotTaken, DERIVED.into())?;
    fails_at(Call::CapabilityDerive, (OWN, 0), &[DERIVED.into(), 0, 0, 0], Error::SlotTaken, DERIVED.into())?;
    fails_at(Call::CapabilityGrant, (OWN, OWN), &[0, DERIVED.into(), 0], Error::SlotTaken, DERIVED.into())?;
    fails_at(Call::CapabilityAccept, (0, 0), &[0, other.argument()], Error::SlotTaken, 0)?;
    fails(Call::CapabilityAccept, (0, 0), &[12, other.argument() + (1 << 32)], Error::NoSuchEnvironment)?;
    works(Call::CapabilityDrop, (0, 0), &[DERIVED.into()]).map(drop)
}

/// A position that nobody takes meanwhile: everybody begins with the lowest.
fn last_free_slice() -> u64 {
    let free = info::slices(0).filter(|(_, record)| record.state == slice_state::FREE);
    free.last().map_or(0, |(position, _)| position as u64)
}

/// Every call that names an environment, under a credential that would do.
fn nobody(argument: u64) -> Verdict {
    let frame = free_run(1)?;
    for (call, slots, arguments) in [
        (Call::YieldTo, (0, 0), &[argument, 0][..]),
        (Call::CapabilityGrant, (OWN, OWN), &[argument, 30, 0]),
        (Call::CapabilityAccept, (0, 0), &[30, argument]),
        (Call::BindRun, (0, OWN), &[argument, 0, READ, frame, 1]),
        (Call::UnbindRun, (OWN, OWN), &[argument, frame, 1]),
        (Call::ChangeRightsRun, (0, OWN), &[argument, 0, READ, frame, 1]),
        (Call::EnvironmentStart, (OWN, 0), &[argument]),
        (Call::EnvironmentStop, (OWN, 0), &[argument]),
        (Call::EnvironmentDestroy, (OWN, 0), &[argument]),
        (Call::EnvironmentForget, (OWN, 0), &[argument]),
        (Call::EnvironmentName, (OWN, 0), &[argument, 0, 0]),
        (Call::GuaranteeMove, (OWN, 0), &[argument, 0, 0]),
        (Call::VcpuCreate, (OWN, 0), &[argument, 0, 0, 0, 0]),
        (Call::Notify, (OWN, 0), &[argument, 0]),
        (Call::SliceAllocate, (OWN, OWN), &[0, last_free_slice(), argument, 0]),
        (Call::ClaimRun, (OWN, 0), &[argument, frame, 1]),
        (Call::ClaimCount, (OWN, 0), &[argument, 1]),
        (Call::ClaimSlice, (OWN, 0), &[argument, 0, 0]),
    ] {
        fails(call, slots, arguments, Error::NoSuchEnvironment)?;
    }
    Ok(())
}

fn stale(boot: &'static BootPage) -> Verdict {
    child::derive(DERIVED, 1)?;
    let first = Child::new(boot, DERIVED)?;
    works(Call::EnvironmentDestroy, (DERIVED, 0), &[first.id.argument()])?;
    until("the child has ended", || first.has_ended())?;
    works(Call::EnvironmentForget, (DERIVED, 0), &[first.id.argument()])?;
    nobody(first.id.argument())?;
    // Somebody else gets the place sooner or later; the old name means nobody still.
    let second = Child::new(boot, DERIVED)?;
    must("no two environments have one name", second.id != first.id)?;
    nobody(first.id.argument())?;
    let index = second.id.index;
    for generation in [0, second.id.generation + 1, u32::MAX] {
        nobody(EnvironmentId { index, generation }.argument().max(1))?;
    }
    for index in [64, 65, 1 << 16, u32::MAX] {
        nobody(EnvironmentId { index, generation: 1 }.argument())?;
    }
    must("the child lives", info::environment(second.id).is_some() && !second.has_ended())
}

fn audit(_boot: &'static BootPage) -> Verdict {
    works(Call::CapabilityDerive, (OWN, 0), &[DERIVED.into(), rights::ALL & !rights::AUDIT, 0, 0])?;
    fails(Call::Audit, (DERIVED, 0), &[], Error::Underprivileged).map(drop)
}
