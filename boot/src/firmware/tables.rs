//! From the root pointer to a table: signatures, lengths and checksums.

use super::FirmwareError;
use crate::boot_data::RootPointer;
use acpi::rsdp::Rsdp;
use acpi::sdt::SdtHeader;
use core::mem::offset_of;

/// Signature of the table of interrupt controllers.
pub(super) const INTERRUPTS: [u8; 4] = *b"APIC";
/// Signature of the table of fixed hardware.
pub(super) const FIXED: [u8; 4] = *b"FACP";

const HEADER: usize = size_of::<SdtHeader>();
/// No table that is read here comes near this.
const MAX_LENGTH: u32 = 1 << 20;
const VERSION_1_LENGTH: usize = 20;

/// A table's bytes, length and checksum checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a>(&'a [u8]);

impl<'a> Table<'a> {
    fn at(address: u64, map: &impl Fn(u64, usize) -> Option<&'a [u8]>) -> Result<Self, FirmwareError> {
        let read = |length| map(address, length).filter(|bytes| bytes.len() == length);
        let header = read(HEADER).ok_or(FirmwareError::Unreadable { address })?;
        let length = Table(header).word(offset_of!(SdtHeader, length)).unwrap_or(0);
        let size = usize::try_from(length).unwrap_or(0);
        if size < HEADER || length > MAX_LENGTH {
            return Err(FirmwareError::Length { address, length });
        }
        let bytes = read(size).ok_or(FirmwareError::Unreadable { address })?;
        if sum(bytes) == 0 { Ok(Self(bytes)) } else { Err(FirmwareError::Checksum { address }) }
    }

    /// What follows from `offset` on.
    pub(super) fn from(self, offset: usize) -> Self {
        Self(self.0.get(offset..).unwrap_or(&[]))
    }

    /// The first `length` bytes, if there are so many.
    pub(super) fn first(self, length: usize) -> Option<Self> {
        self.0.get(..length).map(Self)
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn byte(self, offset: usize) -> Option<u8> {
        self.0.get(offset).copied()
    }

    pub(super) fn word(self, offset: usize) -> Option<u32> {
        self.0.get(offset..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub(super) fn long(self, offset: usize) -> Option<u64> {
        self.0.get(offset..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }
}

/// The list of all other tables.
pub(super) struct TableList<'a> {
    table: Table<'a>,
    entry_size: usize,
}

impl<'a> TableList<'a> {
    /// The list that the root pointer names: the one with 64-bit addresses where there is one.
    pub(super) fn find(
        root: &RootPointer,
        map: &impl Fn(u64, usize) -> Option<&'a [u8]>,
    ) -> Result<Self, FirmwareError> {
        let bytes = root.bytes();
        let first = bytes.get(..VERSION_1_LENGTH).ok_or(FirmwareError::RootPointer)?;
        if !bytes.starts_with(b"RSD PTR ") || sum(first) != 0 {
            return Err(FirmwareError::RootPointer);
        }
        let fields = Table(bytes);
        let extended = bytes.len() == size_of::<Rsdp>() && sum(bytes) == 0;
        let long = fields.long(offset_of!(Rsdp, xsdt_address)).filter(|&address| address != 0);
        let revision = fields.byte(offset_of!(Rsdp, revision)).unwrap_or(0);
        let (address, signature, entry_size) = match long {
            Some(address) if revision >= 2 && extended => (address, *b"XSDT", 8),
            _ => (fields.word(offset_of!(Rsdp, rsdt_address)).unwrap_or(0).into(), *b"RSDT", 4),
        };
        let table = Table::at(address, map)?;
        if !table.bytes().starts_with(&signature) {
            return Err(FirmwareError::Signature { address });
        }
        Ok(Self { table, entry_size })
    }

    /// The first table with this signature. Only tables with the signature have to be whole.
    pub(super) fn table(
        &self,
        signature: [u8; 4],
        map: &impl Fn(u64, usize) -> Option<&'a [u8]>,
    ) -> Result<Option<Table<'a>>, FirmwareError> {
        for entry in self.table.bytes()[HEADER..].chunks_exact(self.entry_size) {
            let mut address = [0; 8];
            address[..self.entry_size].copy_from_slice(entry);
            let address = u64::from_le_bytes(address);
            if map(address, HEADER).is_some_and(|bytes| bytes.starts_with(&signature)) {
                return Table::at(address, map).map(Some);
            }
        }
        Ok(None)
    }
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, &byte| sum.wrapping_add(byte))
}
