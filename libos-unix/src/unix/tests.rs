//! A whole system on the simulated machine, with programs that consist of system calls: any call, with arguments that are anything.
//! Nobody may bring it down, and of all of them nothing may be left.

mod world;

use crate::machine;
use crate::syscall::TABLE;
use proptest::prelude::*;
use world::{Word, World};

/// Calls that everybody makes, so that there is something to go wrong.
const COMMON: [&str; 24] = [
    "read",
    "write",
    "open",
    "close",
    "mmap",
    "munmap",
    "mprotect",
    "pipe2",
    "dup2",
    "fork",
    "clone",
    "wait4",
    "kill",
    "rt_sigaction",
    "socketpair",
    "sendmsg",
    "recvmsg",
    "epoll_ctl",
    "epoll_create1",
    "futex",
    "fcntl",
    "timer_create",
    "mremap",
    "execve",
];

/// A call by its number.
fn number() -> impl Strategy<Value = u64> {
    let all: Vec<u64> =
        (0..TABLE.len()).filter(|&number| TABLE[number].is_some()).map(|number| number as u64).collect();
    let by_name = |name: &str| TABLE.iter().position(|entry| entry.as_ref().is_some_and(|entry| entry.name == name));
    let common: Vec<u64> = COMMON.iter().filter_map(|name| by_name(name)).map(|number| number as u64).collect();
    assert_eq!(common.len(), COMMON.len());
    prop_oneof![3 => proptest::sample::select(all), 3 => proptest::sample::select(common), 1 => 0..600_u64]
}

/// Flags that calls have together: of threads, vfork, mappings, opening.
const FLAGS: [u64; 10] = [0x5_0f00, 0x4111, 0x3d_0f00, 0x11, 0x21, 0x22, 0x32, 0x42, 0x8_0800, 0x80];

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        4 => (0..12_u64).prop_map(Word::Plain),
        2 => (0..65_u64).prop_map(Word::Plain),
        1 => (0..32_u32).prop_map(|bit| Word::Plain(1 << bit)),
        1 => any::<u16>().prop_map(|low| Word::Plain(low.into())),
        1 => any::<u64>().prop_map(Word::Plain),
        2 => proptest::sample::select(&FLAGS[..]).prop_map(Word::Plain),
        1 => (-4096_i64..0).prop_map(|negative| Word::Plain(negative.cast_unsigned())),
        4 => (0..world::BYTES).prop_map(Word::Memory),
        3 => (0..world::PATHS.len()).prop_map(Word::Path),
        1 => (0..64_u64).prop_map(|page| Word::Plain(0x10_0000 + page * 4096)),
    ]
}

/// A call, shown as people write one.
#[derive(Clone)]
struct Made(u64, [Word; 6]);

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entry = TABLE.get(self.0 as usize).and_then(Option::as_ref);
        write!(f, "{}{:x?}", entry.map_or("unknown", |entry| entry.name), self.1)
    }
}

fn call() -> impl Strategy<Value = Made> {
    (number(), [word(), word(), word(), word(), word(), word()]).prop_map(|(number, words)| Made(number, words))
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 3000, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn programs_that_call_anything_bring_nothing_down(calls in proptest::collection::vec(call(), 1..250), filling in any::<u64>(), memory in prop_oneof![Just(1_usize << 16), 60..500_usize]) {
        let before = machine::frames_in_use();
        machine::set_frame_limit(before + memory);
        {
            let mut world = World::new(filling);
            for Made(number, words) in calls {
                if !world.step(number, words) {
                    break;
                }
            }
            world.end();
        }
        // The frame of zeros stays.
        prop_assert!(machine::frames_in_use() <= before + 1, "{} frames are left", machine::frames_in_use() - before);
    }
}

#[test]
fn a_program_that_only_opens_writes_and_reads_does_so() {
    let mut world = World::new(1);
    let number = |name: &str| TABLE.iter().position(|entry| entry.as_ref().is_some_and(|entry| entry.name == name));
    let mut call =
        |name: &str, words: [Word; 6]| world.call(number(name).map_or(u64::MAX, |number| number as u64), words);
    let none = Word::Plain(0);
    let file = call("open", [Word::Path(0), Word::Plain(0o102), Word::Plain(0o600), none, none, none]);
    assert!(file < 100, "{file:#x}");
    assert_eq!(call("write", [Word::Plain(file), Word::Path(1), Word::Plain(4), none, none, none]), 4);
    assert_eq!(call("lseek", [Word::Plain(file), none, none, none, none, none]), 0);
    assert_eq!(call("read", [Word::Plain(file), Word::Memory(64), Word::Plain(100), none, none, none]), 4);
    let child = call("fork", [none; 6]);
    assert!(child > 2);
    assert_eq!(call("getppid", [none; 6]), 1);
    assert_eq!(call("close", [Word::Plain(file), none, none, none, none, none]), 0);
    assert_eq!(call("close", [Word::Plain(file), none, none, none, none, none]), 9_u64.wrapping_neg());
    world.end();
}
