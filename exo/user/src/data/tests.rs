use super::{Data, frames_of};
use core::mem::forget;
use exo_abi::boot_page::FrameRun;
use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

const START: u64 = 0x10_0000;

proptest! {
    #[test]
    fn each_frame_comes_back_once(length in 1_usize..40_000, steps in prop::collection::vec(0_usize..9_000, 0..12)) {
        let mut data = Data { physical: START, length };
        let (mut next, mut passed) = (START / 4096, 0);
        for step in steps {
            let FrameRun { first, count } = data.pass(step);
            prop_assert!(count == 0 || first == next);
            next += count;
            passed = length.min(passed + step);
            prop_assert_eq!(data.length, length - passed);
            // Frames that are gone hold no byte that is left; the last frame goes with the last byte.
            let whole = if passed == length { length.div_ceil(4096) } else { passed / 4096 };
            prop_assert_eq!(next, START / 4096 + whole as u64);
        }
        let FrameRun { first, count } = frames_of(data.physical, data.length);
        prop_assert!(count == 0 || first == next);
        prop_assert_eq!(next + count, (START + length as u64).div_ceil(4096));
        forget(data);
    }
}
