//! Gates that are not one's own to call, and calls that are none.

use super::gates::{GATE, transfer, word};
use super::{Case, EXITS, Verdict};
use crate::kit::{OWN, fails, must, neighbour, same, works};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights;
use exo_user::abi::error::Error;

pub const CASES: &[Case] =
    &[Case::new("gate-forged", EXITS, forged, "calls, opens, binds and closes gates that are not its own")];

fn forged(_boot: &'static BootPage) -> Verdict {
    let victim = neighbour::witness()?;
    fails(Call::GateBind, (OWN, 0), &[victim.argument(), 0, GATE], Error::NoSuchGate)?;
    fails(Call::GateOpen, (OWN, 0), &[64], Error::NoSuchVcpu)?;
    fails(Call::GateOpen, (63, 0), &[0], Error::BadSlot)?;
    fails(Call::GateClose, (0, 0), &[0], Error::NoSuchGate)?;
    fails(Call::GateUnbind, (0, 0), &[u64::MAX], Error::NoSuchGate)?;
    for slot in 0..=255 {
        same("a call through nothing", transfer(word(Call::GateCall, slot)), Error::NoSuchGate.number())?;
        same("a message to nobody", transfer(word(Call::GateSend, slot)), Error::NoSuchGate.number())?;
    }
    same("a reply to nobody", transfer(word(Call::GateReply, 0)), Error::NoSuchGate.number())?;
    for stray in [1 << 24, 1 << 32, 1 << 63] {
        let seen = Error::from_number(transfer(Call::GateCall as u64 | stray));
        must("words with stray bits are refused", seen.is_some())?;
        let seen = Error::from_number(transfer(Call::GateReply as u64 | stray));
        must("replies with stray bits are refused", seen.is_some())?;
    }
    // Its own gate, which only itself may call, and cannot.
    works(Call::GateOpen, (OWN, 0), &[0])?;
    fails(Call::GateOpen, (OWN, 0), &[0], Error::GateTaken)?;
    works(Call::CapabilityDerive, (OWN, 0), &[20, rights::ALL & !rights::CALL, 0, 0])?;
    fails(Call::GateBind, (20, 0), &[0, 0, GATE], Error::Underprivileged)?;
    works(Call::CapabilityDerive, (OWN, 0), &[21, rights::ALL, 1, 1])?;
    fails(Call::GateBind, (21, 0), &[0, 0, GATE], Error::Underprivileged)?;
    fails(Call::GateBind, (OWN, 0), &[0, 0, 64], Error::BadSlot)?;
    works(Call::GateBind, (OWN, 0), &[0, 0, GATE])?;
    fails(Call::GateBind, (OWN, 0), &[0, 0, GATE], Error::SlotTaken)?;
    same("a call to itself", transfer(Call::GateCall as u64 | GATE << 16), Error::GateBusy.number())?;
    works(Call::GateClose, (0, 0), &[0])?;
    same("a call through what is gone", transfer(Call::GateCall as u64 | GATE << 16), Error::NoSuchGate.number())
}
