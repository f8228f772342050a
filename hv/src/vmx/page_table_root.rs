//! Loads of CR3 where they are counted. A guest's loads do not exit; in an environment whose manifest has them counted they do, and are
//! done here as the CPU does them (SDM Vol. 2, MOV to control registers; Vol. 3, 4.5 and 4.10.4.1).

use super::active::ActiveVcpu;
use super::emulate::GeneralProtection;
use super::fields;
use super::operation::flush_all;

/// CR4.PCIDE: CR3 holds a process-context identifier, and its highest bit says that nothing is to be forgotten.
const PCIDE: u64 = 1 << 17;
const KEEP: u64 = 1 << 63;

/// What a load does: the value that CR3 holds after it, and whether translations go; `None` for a general protection fault. `value` is the
/// whole source register, of which 32-bit code uses half. Guests are not told of linear-address masking, so its bits are reserved.
fn load(value: u64, in_64_bit_code: bool, pcide: bool, physical_bits: u8) -> Option<(u64, bool)> {
    let value = if in_64_bit_code { value } else { value & u64::from(u32::MAX) };
    let (value, keep) = if pcide { (value & !KEEP, value & KEEP != 0) } else { (value, false) };
    let reserved = u64::MAX.checked_shl(physical_bits.into()).unwrap_or(0);
    (value & reserved == 0).then_some((value, !keep))
}

impl ActiveVcpu<'_> {
    /// MOV to CR3 in an environment whose loads are counted.
    ///
    /// # Errors
    /// [`GeneralProtection`] where the value has a reserved bit.
    pub fn write_cr3(&mut self, value: u64) -> Result<(), GeneralProtection> {
        let pcide = self.current.read(fields::GUEST_CR4) & PCIDE != 0;
        let physical_bits = self.operation.machine.cpuid.physical_address_bits;
        let (value, flush) =
            load(value, self.in_ring_0_of_64_bit_code(), pcide, physical_bits).ok_or(GeneralProtection)?;
        self.current.write_guest(fields::GUEST_CR3, value);
        if flush {
            // More than the CPU would forget, which it may at any time: a VM entry with a VPID forgets nothing by itself.
            flush_all(self.operation);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{KEEP, load};

    #[test]
    fn reserved_bits_are_refused() {
        for bit in 36..64 {
            assert_eq!(load(0x1000 | 1 << bit, true, false, 36), None, "bit {bit}");
        }
        for bit in 36..63 {
            assert_eq!(load(0x1000 | 1 << bit, true, true, 36), None, "bit {bit} with PCIDE");
        }
        assert_eq!(load(1 << 51 | 0x1000, true, false, 52), Some((1 << 51 | 0x1000, true)));
    }

    #[test]
    fn the_highest_bit_keeps_translations_and_is_not_kept() {
        assert_eq!(load(KEEP | 0x5007, true, true, 36), Some((0x5007, false)));
        assert_eq!(load(0x5007, true, true, 36), Some((0x5007, true)));
    }

    #[test]
    fn code_of_32_bits_uses_half_the_register() {
        assert_eq!(load(u64::MAX << 32 | 0x5000, false, false, 36), Some((0x5000, true)));
        assert_eq!(load(KEEP | 0x5000, false, true, 36), Some((0x5000, true)));
    }
}
