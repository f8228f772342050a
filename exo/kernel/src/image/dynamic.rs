//! The dynamic section: where the tables of relocations lie.

use super::{ImageError, ImagePlan};
use elf::abi;
use elf::dynamic::DynamicTable;
use elf::endian::LittleEndian;
use elf::file::Class;

const DT_RELRSZ: i64 = 35;
const DT_RELR: i64 = 36;
const DT_RELRENT: i64 = 37;
pub(super) const ADDEND_ENTRY: u64 = 24;
pub(super) const PACKED_ENTRY: u64 = 8;

/// The bytes of the tables of relocations, whole entries each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tables<'a> {
    /// Entries of place, kind and addend.
    pub(super) addends: &'a [u8],
    /// Entries of places and bitmaps; the addend is what stands at the place.
    pub(super) packed: &'a [u8],
}

#[derive(Default)]
struct Place {
    address: Option<u64>,
    size: u64,
    entry_size: Option<u64>,
}

/// Reads the section in `bytes`.
pub(super) fn read<'a>(bytes: &'a [u8], plan: &ImagePlan<'a>) -> Result<Tables<'a>, ImageError> {
    let (mut addends, mut packed) = (Place::default(), Place::default());
    for entry in DynamicTable::new(LittleEndian, Class::ELF64, bytes) {
        let (tag, value) = (entry.d_tag, entry.d_val());
        match tag {
            abi::DT_NULL => break,
            abi::DT_NEEDED => return Err(ImageError::NeedsLibrary),
            abi::DT_RELA => addends.address = Some(value),
            abi::DT_RELASZ => addends.size = value,
            abi::DT_RELAENT => addends.entry_size = Some(value),
            DT_RELR => packed.address = Some(value),
            DT_RELRSZ => packed.size = value,
            DT_RELRENT => packed.entry_size = Some(value),
            abi::DT_PLTRELSZ | abi::DT_RELSZ if value == 0 => {}
            abi::DT_PLTRELSZ | abi::DT_RELSZ | abi::DT_TEXTREL => {
                return Err(ImageError::RelocationTag { tag });
            }
            _ => {}
        }
    }
    Ok(Tables { addends: addends.bytes(ADDEND_ENTRY, plan)?, packed: packed.bytes(PACKED_ENTRY, plan)? })
}

impl Place {
    fn bytes<'a>(&self, entry_size: u64, plan: &ImagePlan<'a>) -> Result<&'a [u8], ImageError> {
        let Some(address) = self.address.filter(|_| self.size != 0) else { return Ok(&[]) };
        let address = address.wrapping_add(plan.bias);
        let whole = self.size.is_multiple_of(entry_size) && self.entry_size.is_none_or(|size| size == entry_size);
        let bytes = plan.bytes_at(address, self.size).filter(|_| whole);
        bytes.ok_or(ImageError::RelocationTable { address })
    }
}
