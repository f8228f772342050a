//! What the firmware's ACPI tables say about CPUs and about the clock that the TSC is measured against.
//!
//! The `acpi` crate gives the tables' layouts and signatures here. Its own reader is not used: it is reached through
//! unsafe functions only, maps a table by whatever length the table says, and then makes references to structures
//! that may be longer than that; the entries of a lying MADT lead it out of the table. Here a table is a slice whose
//! length and checksum are checked, and every field is read from it by offset. No table is visited twice, so
//! tables that point to each other cannot make this loop.

mod fixed;
mod interrupts;
mod tables;

#[cfg(test)]
mod tests;

use crate::boot_data::RootPointer;
use crate::list::List;
use core::fmt;

/// Most CPUs that are listed.
pub const MAX_CPUS: usize = 64;

/// Most I/O APICs that are listed.
pub const MAX_IO_APICS: usize = 8;

/// What is wrong with the firmware's tables, as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirmwareError {
    /// The root pointer's signature, length or checksum is wrong.
    RootPointer,
    /// A table is not in readable memory.
    Unreadable {
        /// Its physical address.
        address: u64,
    },
    /// A table's own length is below what every such table has, or absurd.
    Length {
        /// Its physical address.
        address: u64,
        /// The length it says.
        length: u32,
    },
    /// A table's bytes do not add up to zero.
    Checksum {
        /// Its physical address.
        address: u64,
    },
    /// What the root pointer names is not a list of tables.
    Signature {
        /// Its physical address.
        address: u64,
    },
    /// There is no table of interrupt controllers, so no list of CPUs.
    NoInterruptTable,
    /// An entry of the interrupt table is too short or goes beyond the table.
    InterruptEntry {
        /// Where it begins in the table.
        offset: usize,
    },
    /// The interrupt table lists no enabled CPU.
    NoCpus,
}

impl fmt::Display for FirmwareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::RootPointer => f.write_str("the ACPI root pointer has a wrong signature, length or checksum"),
            Self::Unreadable { address } => write!(f, "the ACPI table at {address:#x} is not in readable memory"),
            Self::Length { address, length } => {
                write!(f, "the ACPI table at {address:#x} says that it has {length} bytes")
            }
            Self::Checksum { address } => write!(f, "the ACPI table at {address:#x} has a wrong checksum"),
            Self::Signature { address } => write!(f, "the ACPI table at {address:#x} is not a list of tables"),
            Self::NoInterruptTable => f.write_str("the ACPI tables have no interrupt table, so no list of CPUs"),
            Self::InterruptEntry { offset } => {
                write!(f, "the ACPI interrupt table's entry at byte {offset} has a wrong length")
            }
            Self::NoCpus => f.write_str("the ACPI interrupt table lists no enabled CPU"),
        }
    }
}

impl core::error::Error for FirmwareError {}

/// One CPU that can be started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// The ID of its local APIC: the x2APIC ID if the firmware lists one, else the 8-bit ID.
    pub apic_id: u32,
    /// The firmware lists this CPU by its x2APIC ID.
    pub x2apic: bool,
}

/// An I/O APIC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IoApic {
    /// Physical address of its registers.
    pub address: u64,
    /// The number of its first input among those of all I/O APICs.
    pub first: u32,
}

/// Where and how a device of the ISA bus interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// The number of the input among those of all I/O APICs.
    pub input: u32,
    /// Active as long as the device wants something, instead of once.
    pub level: bool,
    /// Active when low.
    pub active_low: bool,
}

/// The ACPI power-management timer: it counts at 3 579 545 Hz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerTimer {
    /// Where to read it.
    pub place: PowerTimerPlace,
    /// It wraps after 2^32 ticks, else after 2^24.
    pub wide: bool,
}

/// Where the power-management timer is read, always 32 bits at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerTimerPlace {
    /// At this port.
    Port(u16),
    /// At this physical address.
    Memory(u64),
}

/// What the kernel takes from the firmware's tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Firmware {
    /// The enabled CPUs in the firmware's order, each once.
    pub cpus: List<Cpu, MAX_CPUS>,
    /// How many further enabled CPUs there are beyond [`MAX_CPUS`].
    pub unlisted_cpus: usize,
    /// Physical address of every CPU's local APIC (while it is not in x2APIC mode).
    pub local_apic: u64,
    /// The power-management timer, if the machine has one.
    pub power_timer: Option<PowerTimer>,
    /// The I/O APICs in the firmware's order, the first ones if there are more.
    pub io_apics: List<IoApic, MAX_IO_APICS>,
    /// How the first serial port interrupts.
    pub serial: Interrupt,
}

impl Firmware {
    /// Reads the tables that `root` leads to. `map` gives that many bytes of physical memory at an address, or
    /// `None` where no memory is.
    ///
    /// # Errors
    /// The first table on the way that is wrong. A broken table that is not needed is passed over.
    pub fn read<'a>(root: &RootPointer, map: impl Fn(u64, usize) -> Option<&'a [u8]>) -> Result<Self, FirmwareError> {
        let list = tables::TableList::find(root, &map)?;
        let interrupts = list.table(tables::INTERRUPTS, &map)?.ok_or(FirmwareError::NoInterruptTable)?;
        let mut firmware = interrupts::read(interrupts)?;
        // Without this table, or with a broken one, the TSC is measured against something else.
        firmware.power_timer = list.table(tables::FIXED, &map).ok().flatten().and_then(fixed::power_timer);
        Ok(firmware)
    }
}
