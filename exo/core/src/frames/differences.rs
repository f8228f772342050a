//! Asking about a whole run at once.

use exo_abi::info::FrameRecord;

/// In which bits any of some records differs from one. A run is asked about with this once instead of frame by frame.
///
/// By words: state, flags and owner from the lowest byte on, as [`FrameRecord`] has them; binders; the two of the guard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Differences([u64; 4]);

impl Differences {
    pub(crate) fn of(records: &[FrameRecord], wanted: &FrameRecord) -> Self {
        let words = |record: &FrameRecord| -> [u64; 4] { zerocopy::transmute!(*record) };
        let wanted = words(wanted);
        let mut joined = [0; 4];
        for record in records {
            let words = words(record);
            for index in 0..4 {
                joined[index] |= words[index] ^ wanted[index];
            }
        }
        Self(joined)
    }

    /// Whether the guards differ, or the states, or any of these binders.
    pub(crate) const fn in_state_or_guard_or(&self, binders: u64) -> bool {
        const STATE: u64 = 0xff;
        let [state, bound, low, high] = self.0;
        state & STATE | bound & binders | low | high != 0
    }

    /// Whether anything but flags differs, or any of these flags.
    pub(crate) fn in_all_but_flags_or(&self, flags: u8) -> bool {
        const FLAGS: u64 = 0xff00;
        let [first, bound, low, high] = self.0;
        first & !FLAGS | first & u64::from(flags) << 8 | bound | low | high != 0
    }
}
