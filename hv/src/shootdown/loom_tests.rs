//! Every order that the memory model allows, as far as `loom` goes: a frame is used for something else after the proof, and never
//! while or before a guest uses it. What one side does to the frame without coming before or after the other's is a failure too.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p hv --lib --release loom_tests`

use super::{Shootdown, SpaceNumber, Waiting};
use crate::paging::{Flushed, Quarantined};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

/// A space with one frame, and a table that says whether it is bound.
struct Space {
    number: SpaceNumber,
    bound: AtomicBool,
    frame: UnsafeCell<u64>,
}

impl Space {
    fn new(number: u8) -> Self {
        let number = SpaceNumber::new(number).expect("below 64");
        Self { number, bound: AtomicBool::new(true), frame: UnsafeCell::new(0) }
    }

    fn unbind(&self) -> Quarantined<()> {
        self.bound.store(false, Ordering::Relaxed);
        Quarantined::begin((), true).in_spaces(self.number.bit())
    }

    /// The frame's next use, by whoever has opened the quarantine.
    fn use_frame(&self) {
        // SAFETY: loom checks it.
        self.frame.with_mut(|frame| unsafe { *frame += 1 });
    }
}

struct Machine<const N: usize> {
    shootdown: Shootdown<N>,
    spaces: [Space; 2],
}

impl<const N: usize> Machine<N> {
    fn new() -> Arc<Self> {
        Arc::new(Self { shootdown: Shootdown::new(), spaces: [Space::new(0), Space::new(63)] })
    }

    fn flush(&self, me: usize, spaces: u64) -> Flushed {
        self.shootdown.flush_while(me, spaces, |_| (), thread::yield_now)
    }
}

/// A CPU with what it has cached of each space.
#[derive(Default)]
struct Cpu {
    cached: [Option<bool>; 2],
    /// It does not flush: to see that the tests find that out.
    broken: bool,
}

impl Cpu {
    /// Enters a space, has its guest use the frame once if the translation is there, and leaves.
    fn run<const N: usize>(&mut self, machine: &Machine<N>, me: usize, space: usize) {
        if machine.shootdown.enter(me, machine.spaces[space].number) && !self.broken {
            self.cached = [None; 2];
        }
        self.use_frame(machine, space);
        machine.shootdown.leave(me);
    }
}

impl Cpu {
    /// Enters one space, and goes from its guest to one of the other and back, as calls through gates do; the guests use their frames.
    fn call<const N: usize>(&mut self, machine: &Machine<N>, me: usize, path: &[usize]) {
        let [first, others @ ..] = path else { return };
        if machine.shootdown.enter(me, machine.spaces[*first].number) {
            self.cached = [None; 2];
        }
        self.use_frame(machine, *first);
        let mut here = *first;
        for &next in others {
            let (from, to) = (machine.spaces[here].number, machine.spaces[next].number);
            if !machine.shootdown.transfer(me, from, to) && !self.broken {
                break;
            }
            here = next;
            self.use_frame(machine, here);
        }
        machine.shootdown.leave(me);
    }

    fn use_frame<const N: usize>(&mut self, machine: &Machine<N>, space: usize) {
        let Space { bound, frame, .. } = &machine.spaces[space];
        // Relaxed: a page walk orders nothing.
        if *self.cached[space].get_or_insert_with(|| bound.load(Ordering::Relaxed)) {
            // SAFETY: loom checks it.
            frame.with(|frame| unsafe { frame.read() });
        }
    }
}

/// All orders in which at most this many times a thread is stopped where it could have gone on: one more takes minutes.
const PREEMPTIONS: usize = 3;

fn bounded(test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(test);
}

/// A CPU runs guests while a frame of one space gets another use.
fn one_cpu_and_one_initiator(runs: impl Fn(&Machine<2>) + Clone + Send + Sync + 'static) {
    bounded(move || {
        let machine = Machine::<2>::new();
        let cpu = thread::spawn({
            let (machine, runs) = (machine.clone(), runs.clone());
            move || runs(&machine)
        });
        let space = &machine.spaces[0];
        let quarantine = space.unbind();
        let proof = machine.flush(0, space.number.bit());
        quarantine.release(&proof).expect("the flush began later and is of this space");
        space.use_frame();
        cpu.join().expect("it ends");
    });
}

/// It enters one space after the other.
fn one_visitor(broken: bool, entries: &'static [usize]) {
    one_cpu_and_one_initiator(move |machine| {
        let mut cpu = Cpu { broken, ..Cpu::default() };
        entries.iter().for_each(|&space| cpu.run(machine, 1, space));
    });
}

/// It goes through gates from one to the other.
fn one_caller(broken: bool, path: &'static [usize]) {
    one_cpu_and_one_initiator(move |machine| Cpu { broken, ..Cpu::default() }.call(machine, 1, path));
}

#[test]
fn a_frame_is_free_after_the_proof() {
    one_visitor(false, &[0, 0]);
}

#[test]
fn a_cpu_that_was_left_alone_in_another_space_forgets_before_it_comes_back() {
    one_visitor(false, &[0, 1, 0]);
}

#[test]
fn a_frame_is_free_after_the_proof_though_somebody_calls_into_its_space() {
    one_caller(false, &[1, 0]);
    one_caller(false, &[0, 1, 0]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_transfer_that_does_not_look_at_the_epoch_is_found_out() {
    one_caller(true, &[0, 1, 0]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_cpu_that_does_not_flush_is_found_out() {
    one_visitor(true, &[0, 0]);
}

#[test]
fn two_cpus_in_one_space() {
    bounded(|| {
        let machine = Machine::<3>::new();
        let cpus = [1, 2].map(|me| {
            let machine = machine.clone();
            thread::spawn(move || Cpu::default().run(&machine, me, 0))
        });
        let space = &machine.spaces[0];
        let quarantine = space.unbind();
        let proof = machine.flush(0, space.number.bit());
        quarantine.release(&proof).expect("the flush began later and is of this space");
        space.use_frame();
        cpus.into_iter().for_each(|cpu| cpu.join().expect("it ends"));
    });
}

/// One initiator's proof opens what another has put into quarantine, where it says so, and not too early.
#[test]
fn a_proof_covers_what_others_took_away_before() {
    bounded(|| {
        let machine = Machine::<3>::new();
        let left = Arc::new(Mutex::new(None));
        let cpu = thread::spawn({
            let machine = machine.clone();
            move || {
                let mut cpu = Cpu::default();
                cpu.run(&machine, 2, 0);
                cpu.run(&machine, 2, 0);
            }
        });
        let other = thread::spawn({
            let (machine, left) = (machine.clone(), left.clone());
            move || {
                let quarantine = machine.spaces[0].unbind();
                *left.lock().expect("not poisoned") = Some(quarantine);
            }
        });
        let proof = machine.flush(0, u64::MAX);
        let found = left.lock().expect("not poisoned").take();
        if found.is_some_and(|quarantine| quarantine.release(&proof).is_ok()) {
            machine.spaces[0].use_frame();
        }
        cpu.join().expect("it ends");
        other.join().expect("it ends");
    });
}

#[test]
fn two_initiators_wait_for_one_cpu_and_not_for_each_other() {
    bounded(|| {
        let machine = Machine::<3>::new();
        let take = |machine: &Machine<3>, me: usize| {
            let space = &machine.spaces[me];
            let quarantine = space.unbind();
            let proof = machine.flush(me, space.number.bit());
            quarantine.release(&proof).expect("the flush began later and is of this space");
            space.use_frame();
        };
        let other = thread::spawn({
            let machine = machine.clone();
            move || take(&machine, 1)
        });
        let cpu = thread::spawn({
            let machine = machine.clone();
            move || {
                let mut cpu = Cpu::default();
                cpu.run(&machine, 2, 0);
                cpu.run(&machine, 2, 1);
            }
        });
        take(&machine, 0);
        cpu.join().expect("it ends");
        other.join().expect("it ends");
    });
}

/// A proof is about its own spaces: what was taken out of another one stays in quarantine.
#[test]
fn a_proof_of_one_space_opens_no_quarantine_of_another() {
    bounded(|| {
        let machine = Machine::<2>::new();
        let cpu = thread::spawn({
            let machine = machine.clone();
            move || {
                let mut cpu = Cpu::default();
                cpu.run(&machine, 1, 1);
            }
        });
        let [first, second] = &machine.spaces;
        let (one, other) = (first.unbind(), second.unbind());
        let waiting: Waiting = machine.shootdown.begin(0, first.number.bit(), |_| ());
        let proof = waiting.check(&machine.shootdown).expect("nobody is in that space");
        one.release(&proof).expect("it is of this space");
        first.use_frame();
        let _ = other.release(&proof).expect_err("it is not of that one");
        cpu.join().expect("it ends");
    });
}

/// Whoever wants something looked at stores it and kicks; who is left alone, because it is in another space, sees it before it enters.
#[test]
fn whoever_is_not_kicked_looks_before_it_enters() {
    bounded(|| {
        let machine = Machine::<2>::new();
        let attention = Arc::new(AtomicBool::new(false));
        let cpu = thread::spawn({
            let (machine, attention) = (machine.clone(), attention.clone());
            move || {
                let _ = machine.shootdown.enter(1, machine.spaces[1].number);
                machine.shootdown.leave(1);
                let _ = machine.shootdown.enter(1, machine.spaces[0].number);
                attention.load(Ordering::SeqCst)
            }
        });
        attention.store(true, Ordering::SeqCst);
        let left_alone = machine.shootdown.is_elsewhere(1, machine.spaces[0].number);
        let looked = cpu.join().expect("it ends");
        assert!(looked || !left_alone, "it is in that space, and nobody wakes it up");
    });
}
