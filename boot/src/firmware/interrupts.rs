//! The table of interrupt controllers (MADT): one entry for each local APIC.

use super::tables::Table;
use super::{Cpu, Firmware, FirmwareError, Interrupt, IoApic};
use crate::list::List;
use acpi::sdt::madt::{
    InterruptSourceOverrideEntry, IoApicEntry, LocalApicAddressOverrideEntry, LocalApicEntry, LocalX2ApicEntry, Madt,
};
use core::mem::offset_of;

const LOCAL_APIC: u8 = 0;
const IO_APIC: u8 = 1;
const SOURCE_OVERRIDE: u8 = 2;
const ADDRESS_OVERRIDE: u8 = 5;
const LOCAL_X2APIC: u8 = 9;
const ENABLED: u32 = 1;
/// The first serial port's interrupt on the ISA bus.
const SERIAL: u8 = 4;
/// An 8-bit ID that means every CPU, and a 32-bit one that does.
const BROADCAST: [u32; 2] = [0xff, u32::MAX];

/// The CPUs and the address of their local APICs.
pub(super) fn read(table: Table<'_>) -> Result<Firmware, FirmwareError> {
    let local_apic = table.word(offset_of!(Madt, local_apic_address));
    let mut firmware = Firmware {
        cpus: List::new(),
        unlisted_cpus: 0,
        local_apic: local_apic.ok_or(FirmwareError::InterruptEntry { offset: 0 })?.into(),
        power_timer: None,
        io_apics: List::new(),
        serial: Interrupt { input: SERIAL.into(), level: false, active_low: false },
    };
    let mut offset = size_of::<Madt>();
    while offset < table.bytes().len() {
        let wrong = FirmwareError::InterruptEntry { offset };
        let rest = table.from(offset);
        let (kind, length) = match (rest.byte(0), rest.byte(1)) {
            (Some(kind), Some(length)) if length >= 2 => (kind, usize::from(length)),
            _ => return Err(wrong),
        };
        let entry = rest.first(length).ok_or(wrong)?;
        take(&mut firmware, kind, entry).ok_or(wrong)?;
        offset += length; // at least 2, so this ends
    }
    if firmware.cpus.is_empty() { Err(FirmwareError::NoCpus) } else { Ok(firmware) }
}

/// Takes one entry; `None` where it is too short for its kind.
fn take(firmware: &mut Firmware, kind: u8, entry: Table<'_>) -> Option<()> {
    match kind {
        LOCAL_APIC => {
            let apic_id = entry.byte(offset_of!(LocalApicEntry, apic_id))?.into();
            let flags = entry.word(offset_of!(LocalApicEntry, flags))?;
            add(firmware, flags, Cpu { apic_id, x2apic: false });
        }
        LOCAL_X2APIC => {
            let apic_id = entry.word(offset_of!(LocalX2ApicEntry, x2apic_id))?;
            let flags = entry.word(offset_of!(LocalX2ApicEntry, flags))?;
            add(firmware, flags, Cpu { apic_id, x2apic: true });
        }
        IO_APIC => {
            let address = entry.word(offset_of!(IoApicEntry, io_apic_address))?.into();
            let first = entry.word(offset_of!(IoApicEntry, global_system_interrupt_base))?;
            // More are not needed.
            let _ = firmware.io_apics.push(IoApic { address, first });
        }
        SOURCE_OVERRIDE => {
            let source = entry.byte(offset_of!(InterruptSourceOverrideEntry, irq))?;
            let input = entry.word(offset_of!(InterruptSourceOverrideEntry, global_system_interrupt))?;
            let flags = entry.byte(offset_of!(InterruptSourceOverrideEntry, flags))?;
            if source == SERIAL {
                // Two bits each; 3 is the other than what the ISA bus has (ACPI 6.5, table 5.26).
                firmware.serial = Interrupt { input, level: flags >> 2 & 3 == 3, active_low: flags & 3 == 3 };
            }
        }
        ADDRESS_OVERRIDE => {
            firmware.local_apic = entry.long(offset_of!(LocalApicAddressOverrideEntry, local_apic_address))?;
        }
        _ => {}
    }
    Some(())
}

/// Adds a CPU that is enabled and not listed yet: firmware may list one in both ways.
fn add(firmware: &mut Firmware, flags: u32, cpu: Cpu) {
    let broadcast = BROADCAST[usize::from(cpu.x2apic)];
    let listed = firmware.cpus.iter().any(|other| other.apic_id == cpu.apic_id);
    if flags & ENABLED != 0 && cpu.apic_id != broadcast && !listed && !firmware.cpus.push(cpu) {
        firmware.unlisted_cpus += 1;
    }
}
