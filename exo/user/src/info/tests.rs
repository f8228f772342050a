use super::free_runs_of;
use exo_abi::info::frame_state;
use proptest::prelude::{any, proptest};
use std::vec::Vec;

proptest! {
    #[test]
    fn runs_are_the_free_frames_and_as_long_as_they_can_be(free: Vec<bool>, from in 0..40_usize) {
        let state = |number: u64| {
            Some(if *free.get(usize::try_from(number).ok()?)? { frame_state::FREE } else { frame_state::OWNED })
        };
        let runs: Vec<_> = free_runs_of(from as u64, state).collect();
        let listed: Vec<_> = runs.iter().flat_map(|run| run.first..run.first + run.count).collect();
        let expected: Vec<_> = (from..free.len()).filter(|&number| free[number]).map(|number| number as u64).collect();
        assert_eq!(listed, expected);
        assert!(runs.windows(2).all(|pair| pair[0].first + pair[0].count < pair[1].first));
    }

    #[test]
    fn a_value_names_the_environment_that_made_it(index in any::<u32>(), generation in any::<u32>()) {
        let id = crate::EnvironmentId { index, generation };
        assert_eq!(crate::EnvironmentId::from_value(id.argument()), id);
    }
}
