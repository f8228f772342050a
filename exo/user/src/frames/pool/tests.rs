use super::{CHUNK, Pool, State, Words};
use exo_abi::boot_page::FrameRun;
use proptest::prelude::{ProptestConfig, Strategy, prop_oneof, proptest};
use std::collections::{BTreeMap, HashMap};
use std::vec::Vec;

/// Frames as the pool writes them.
#[derive(Default)]
pub(crate) struct Memory(HashMap<(u64, usize), u64>);

impl Words for Memory {
    unsafe fn read(&self, frame: u64, index: usize) -> u64 {
        self.0[&(frame, index)]
    }

    unsafe fn write(&mut self, frame: u64, index: usize, word: u64) {
        self.0.insert((frame, index), word);
    }
}

impl Memory {
    fn uses(&self, frame: u64) -> bool {
        self.0.contains_key(&(frame, 0))
    }
}

fn run(first: u64, count: u64) -> FrameRun {
    FrameRun { first, count }
}

#[test]
fn a_run_is_found_across_the_border_of_two_chunks_and_where_it_is_aligned() {
    let mut pool = Pool::new(Memory::default());
    assert_eq!(pool.insert(run(CHUNK - 700, 1400)), 1400);
    assert_eq!(pool.free(), 1398, "one frame in each chunk holds its bits");
    assert_eq!(pool.take(600, 1), Some(CHUNK - 699));
    assert_eq!(pool.take(512, 512), None);
    assert_eq!(pool.insert(run(2 * CHUNK - 5, 600)), 600);
    assert_eq!(pool.take(512, 512), None, "the frame of the bits is the first of its chunk");
    assert_eq!(pool.insert(run(2 * CHUNK + 595, 512)), 512);
    assert_eq!(pool.take(512, 512), Some(2 * CHUNK + 512));
}

#[test]
fn what_lies_beyond_the_directory_is_refused() {
    let mut pool = Pool::new(Memory::default());
    assert_eq!(pool.insert(run(1024 * CHUNK - 2, 4)), 2);
    assert_eq!(pool.free(), 1);
    assert_eq!(pool.state(1024 * CHUNK), State::Unknown);
}

#[test]
fn bits_for_frames_in_use_come_from_the_pool() {
    let mut pool = Pool::new(Memory::default());
    assert!(!pool.hold(run(CHUNK, 3)), "there is no frame for the bits");
    pool.insert(run(10, 3));
    assert!(pool.hold(run(CHUNK, 3)));
    assert_eq!((pool.free(), pool.state(CHUNK + 2)), (1, State::Used));
    assert_eq!(pool.next_held(13), Some(CHUNK));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u64, u64),
    Take(u64, u64),
    GiveBack(u64),
    /// Every so manieth frame is not to go.
    Withdraw(u64, u64, u64, u64),
    Lose(u64),
}

fn step() -> impl Strategy<Value = Step> {
    // Three chunks, and only around their borders: there is something to find.
    let frame = || (0..3_u64, 0..300_u64).prop_map(|(chunk, inside)| (chunk + 1) * CHUNK - 150 + inside);
    prop_oneof![
        (frame(), 1..80_u64).prop_map(|(first, count)| Step::Insert(first, count)),
        (1..40_u64, 0..5_u32).prop_map(|(count, power)| Step::Take(count, 1 << power)),
        (1..3_u64).prop_map(|count| Step::Take(count, 1)),
        (0..64_u64).prop_map(Step::GiveBack),
        (frame(), 1..400_u64, 1..40_u64, 1..9_u64)
            .prop_map(|(first, length, most, kept)| Step::Withdraw(first, length, most, kept)),
        frame().prop_map(Step::Lose),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_pool_is_what_the_model_is(steps in proptest::collection::vec(step(), 1..120)) {
        let mut pool = Pool::new(Memory::default());
        let mut model = BTreeMap::<u64, State>::new();
        let mut taken = Vec::<FrameRun>::new();
        for step in steps {
            match step {
                Step::Insert(first, count) => {
                    let new = (first..first + count).take_while(|frame| !model.contains_key(frame)).count() as u64;
                    assert_eq!(pool.insert(run(first, new)), new);
                    for frame in first..first + new {
                        let bits = pool.words.uses(frame);
                        model.insert(frame, if bits { State::Used } else { State::Free });
                    }
                }
                Step::Take(count, alignment) => {
                    let fits = |&first: &u64| {
                        first % alignment == 0
                            && (first..first + count).all(|frame| model.get(&frame) == Some(&State::Free))
                    };
                    let expected = model.keys().copied().find(fits);
                    assert_eq!(pool.take(count, alignment), expected);
                    if let Some(first) = expected {
                        taken.push(run(first, count));
                        model.extend((first..first + count).map(|frame| (frame, State::Used)));
                    }
                }
                Step::GiveBack(which) if !taken.is_empty() => {
                    let given = taken.swap_remove(usize::try_from(which).unwrap() % taken.len());
                    assert!(pool.give_back(given));
                    for frame in given.first..given.first + given.count {
                        match model[&frame] {
                            State::Lost => model.remove(&frame),
                            _ => model.insert(frame, State::Free),
                        };
                    }
                    let again = pool.give_back(run(given.first, 1));
                    assert!(!again, "nothing comes back twice");
                }
                Step::GiveBack(_) => {}
                Step::Withdraw(from, length, most, kept) => {
                    let let_go = |frame: u64| frame % 9 != kept;
                    let is_free = |frame: &u64| model.get(frame) == Some(&State::Free) && let_go(*frame);
                    let expected = (from..from + length).find(is_free).map(|first| {
                        let end = (from + length).min(first + most);
                        run(first, (first..end).take_while(is_free).count() as u64)
                    });
                    assert_eq!(pool.withdraw(from..from + length, most, let_go), expected);
                    if let Some(gone) = expected {
                        model.retain(|frame, _| !(gone.first..gone.first + gone.count).contains(frame));
                    }
                }
                Step::Lose(frame) if !pool.words.uses(frame) => {
                    pool.lose(frame);
                    match model.get(&frame) {
                        Some(State::Free) => _ = model.remove(&frame),
                        Some(State::Used) => _ = model.insert(frame, State::Lost),
                        _ => {}
                    }
                }
                Step::Lose(_) => {}
            }
            assert_eq!(pool.lost(), model.values().filter(|&&state| state == State::Lost).count() as u64);
            assert_eq!(pool.free(), model.values().filter(|&&state| state == State::Free).count() as u64);
        }
        // Only the borders were in play.
        for frame in (CHUNK - 200..4 * CHUNK).filter(|frame| (frame + 200) % CHUNK < 600) {
            assert_eq!(pool.state(frame), *model.get(&frame).unwrap_or(&State::Unknown), "{frame}");
        }
    }
}
