use crate::frames::Wanted;
use crate::frames::choice::choose;
use exo_abi::boot_page::FrameRun;
use proptest::prelude::{Strategy, any, proptest};
use std::vec::Vec;

fn run(first: u64, count: u64) -> FrameRun {
    FrameRun { first, count }
}

fn chosen(free: &[FrameRun], wanted: Wanted, room: usize) -> Option<Vec<FrameRun>> {
    let mut runs = std::vec![run(0, 0); room];
    let length = choose(|| free.iter().copied(), wanted, &mut runs)?;
    runs.truncate(length);
    Some(runs)
}

#[test]
fn one_piece_comes_before_many_and_large_ones_before_small_ones() {
    let free = [run(1, 2), run(10, 30), run(50, 1), run(60, 100)];
    assert_eq!(chosen(&free, Wanted::any(40), 9), Some(std::vec![run(60, 40)]));
    assert_eq!(chosen(&free, Wanted::any(120), 9), Some(std::vec![run(10, 30), run(60, 90)]));
    assert_eq!(chosen(&free, Wanted::any(133), 9), Some(free.to_vec()));
    assert_eq!(chosen(&free, Wanted::any(134), 9), None);
    assert_eq!(chosen(&free, Wanted::any(133), 3), None, "there is no room for so many runs");
    assert_eq!(chosen(&free, Wanted::contiguous(101), 9), None);
}

#[test]
fn who_is_content_with_fewer_gets_what_there_is() {
    let free = [run(1, 2), run(10, 30), run(50, 1)];
    assert_eq!(chosen(&free, Wanted::up_to(34), 9), Some(free.to_vec()));
    assert_eq!(chosen(&free, Wanted::up_to(32), 9), Some(std::vec![run(1, 2), run(10, 30)]));
    assert_eq!(
        chosen(&free, Wanted::up_to(34), 2),
        Some(std::vec![run(1, 2), run(10, 30)]),
        "as far as there is room for runs"
    );
    assert_eq!(chosen(&free, Wanted::up_to(20), 9), Some(std::vec![run(10, 20)]));
    assert_eq!(chosen(&[], Wanted::up_to(1), 9), None);
}

#[test]
fn a_large_page_begins_where_one_can() {
    let free = [run(1, 1000), run(1500, 600)];
    assert_eq!(chosen(&free, Wanted::large_page(), 1), Some(std::vec![run(1536, 512)]));
    assert_eq!(chosen(&[run(513, 1022)], Wanted::large_page(), 1), None);
}

fn free_runs() -> impl Strategy<Value = Vec<FrameRun>> {
    proptest::collection::vec((1..9_u64, 1..40_u64), 0..20).prop_map(|gaps| {
        let mut next = 0;
        let place = |(gap, count)| {
            let first = next + gap;
            next = first + count;
            run(first, count)
        };
        gaps.into_iter().map(place).collect()
    })
}

proptest! {
    #[test]
    fn what_is_chosen_is_free_ascending_and_as_many_as_wanted(free in free_runs(), count in 1..300_u64, whole in any::<bool>()) {
        let wanted = if whole { Wanted::contiguous(count) } else { Wanted::any(count) };
        let total: u64 = free.iter().map(|run| run.count).sum();
        let longest = free.iter().map(|run| run.count).max().unwrap_or(0);
        let Some(runs) = chosen(&free, wanted, 64) else {
            assert!(count > if whole { longest } else { total });
            return Ok(());
        };
        assert_eq!(runs.iter().map(|run| run.count).sum::<u64>(), count);
        assert!(runs.windows(2).all(|pair| pair[0].first + pair[0].count <= pair[1].first));
        let inside = |one: &FrameRun| free.iter().any(|run| run.first <= one.first && one.first + one.count <= run.first + run.count);
        assert!(runs.iter().all(inside));
        assert!(!whole || runs.len() == 1);
    }
}
