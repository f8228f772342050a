//! Scripts for unit tests: each step is done to core and model, compared, and every invariant checked.

use super::model::{Id, Run};
use super::steps::{Outcomes, Step};
use super::world::World;
use exo_abi::call::{Call, Request};
use exo_abi::environment_page::EnvironmentPage;
use exo_abi::error::Error;
use std::vec::Vec;

/// The three of the boot, by guard: "a" (guarantee 24, 10 frames), "ab" (5, 16) below it, and "c" (10, 12), which has CLAIM over "ab"
/// in slot 1. Each has a virtual CPU with a slice on CPU 0 or 1, and another on CPU 0.
pub(super) const A: Id = Id { index: 0, generation: 1 };
pub(super) const AB: Id = Id { index: 1, generation: 1 };
pub(super) const C: Id = Id { index: 2, generation: 1 };

/// What a call says: its value, or its error and what was wrong.
pub(super) type Said = Result<u64, (Error, u64)>;

impl World<'_> {
    pub(super) fn ask(&mut self, caller: Id, call: Call, slots: (u8, u8), arguments: &[u64]) -> Said {
        self.ask_with(caller, call, slots, arguments, None)
    }

    /// The same with a list of runs in the caller's first frame; the call's arguments end with where it is and how long.
    pub(super) fn ask_list(
        &mut self,
        caller: Id,
        call: Call,
        slots: (u8, u8),
        arguments: &[u64],
        runs: &[Run],
    ) -> Said {
        let address = self.first_frame(caller) * 4096;
        let words: Vec<u64> = runs.iter().flat_map(|&(first, count)| [first, count]).collect();
        let arguments = [arguments, &[address, runs.len() as u64]].concat();
        self.ask_with(caller, call, slots, &arguments, Some((address, words)))
    }

    pub(super) fn ask_with(
        &mut self,
        caller: Id,
        call: Call,
        (credential, second): (u8, u8),
        arguments: &[u64],
        memory: Option<(u64, Vec<u64>)>,
    ) -> Said {
        let mut registers = [0; 6];
        registers[..arguments.len()].copy_from_slice(arguments);
        let word = Request { number: call as u16, credential, second }.to_word();
        let (status, value) = self.call(caller, 0, word, registers, memory.as_ref());
        self.check(true);
        Error::from_number(status).map_or(Ok(value), |error| Err((error, value)))
    }

    pub(super) fn play(&mut self, step: &Step) {
        self.step(step, &mut Outcomes::default());
        self.check(true);
    }

    /// The lowest frame of an environment.
    pub(super) fn first_frame(&self, id: Id) -> u64 {
        self.frames_of(id)[0]
    }

    pub(super) fn frames_of(&self, id: Id) -> Vec<u64> {
        (0..super::fake::FRAMES).filter(|&frame| self.model.owned(frame, id).is_some()).collect()
    }

    /// Ends the caller's own bindings of a run, so that it can give the frames away.
    pub(super) fn loosen(&mut self, id: Id, (first, count): Run) {
        assert_eq!(self.ask(id, Call::UnbindRun, (0, 0), &[0, first, count]), Ok(0));
    }

    pub(super) fn page(&self, id: Id) -> &EnvironmentPage {
        &self.machine.spaces[&id.place()].page
    }

    /// A child of an environment that runs on a CPU, with its parent's first capability in slot 0; its reserve are these frames.
    pub(super) fn child(&mut self, parent: Id, reserve: Run, cpu: u64) -> Id {
        self.loosen(parent, reserve);
        let child = self.ask_list(parent, Call::EnvironmentCreate, (0, 0), &[], &[reserve]).expect("a child");
        assert!(self.ask(parent, Call::VcpuCreate, (0, 0), &[child, cpu, 0, 0, 0]).is_ok());
        assert!(self.ask(parent, Call::CapabilityGrant, (0, 0), &[child, 0, 511]).is_ok());
        assert_eq!(self.ask(parent, Call::EnvironmentStart, (0, 0), &[child]), Ok(0));
        Id::from_argument(child)
    }

    /// All CPUs let go of an environment that ends.
    pub(super) fn let_go(&mut self, id: Id) {
        for vcpu in 0..8 {
            self.play(&Step::Gone { id, vcpu });
        }
    }
}
