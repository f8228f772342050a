//! The table of fixed hardware (FADT): the power-management timer.

use super::tables::Table;
use super::{PowerTimer, PowerTimerPlace};
use acpi::address::RawGenericAddress;
use acpi::sdt::fadt::Fadt;
use core::mem::offset_of;

const TIMER_LENGTH: u8 = 4;
const WIDE_TIMER: u32 = 1 << 8;
const SYSTEM_MEMORY: u8 = 0;
const SYSTEM_PORTS: u8 = 1;

/// The timer, if the table has a usable one: the extended address where there is one, else the port.
pub(super) fn power_timer(table: Table<'_>) -> Option<PowerTimer> {
    let wide = table.word(offset_of!(Fadt, flags))? & WIDE_TIMER != 0;
    if table.byte(offset_of!(Fadt, pm_timer_length))? != TIMER_LENGTH {
        return None;
    }
    let port = table.word(offset_of!(Fadt, pm_timer_block))?;
    let place =
        extended(table).or_else(|| u16::try_from(port).ok().filter(|&port| port != 0).map(PowerTimerPlace::Port));
    Some(PowerTimer { place: place?, wide })
}

fn extended(table: Table<'_>) -> Option<PowerTimerPlace> {
    let block = offset_of!(Fadt, x_pm_timer_block);
    let space = table.byte(block + offset_of!(RawGenericAddress, address_space))?;
    let address = table.long(block + offset_of!(RawGenericAddress, address))?;
    match space {
        _ if address == 0 => None,
        SYSTEM_PORTS => u16::try_from(address).ok().map(PowerTimerPlace::Port),
        SYSTEM_MEMORY if address.is_multiple_of(4) => Some(PowerTimerPlace::Memory(address)),
        _ => None,
    }
}
