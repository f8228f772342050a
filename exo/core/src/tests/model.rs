//! The naive second implementation: maps and whole-memory loops, nothing cached, nothing shared with the first.

use super::fake::FakeMachine;
use exo_abi::console::Stream;
use std::collections::{BTreeMap, BTreeSet};
use std::string::String;
use std::vec::Vec;

pub(super) type Id = (u32, u32);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Frame {
    Other,
    Clean,
    Dirty,
    Of(Id),
    Leaving(Id),
}

#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) cpu: u32,
    pub(super) input: bool,
    pub(super) ended: bool,
    pub(super) vector: u64,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) frames: Vec<Frame>,
    pub(super) environments: BTreeMap<Id, Environment>,
    pub(super) born: BTreeMap<u32, u32>,
    pub(super) slices: Vec<BTreeMap<usize, Id>>,
    pub(super) last: Vec<usize>,
    pub(super) machine: FakeMachine,
}

/// What a call gives: the error's number or 0, the value, and what happens then.
pub(super) type Answer = (u64, u64, String);

impl Model {
    pub(super) fn new(frames: Vec<Frame>, cpus: usize) -> Self {
        let slices = std::vec![BTreeMap::new(); cpus];
        let (environments, born) = (BTreeMap::new(), BTreeMap::new());
        Self { frames, environments, born, slices, last: std::vec![63; cpus], machine: FakeMachine::default() }
    }

    fn runs(&self, id: Id) -> bool {
        self.environments.get(&id).is_some_and(|environment| !environment.ended)
    }

    pub(super) fn create(&mut self, cpu: u32, slices: u32, input: bool) -> Option<Id> {
        let vector = usize::try_from(cpu).ok().filter(|&cpu| cpu < self.slices.len())?;
        let taken = input && self.environments.values().any(|environment| environment.input && !environment.ended);
        let used: BTreeSet<u32> = self.environments.keys().map(|id| id.0).collect();
        let index = (0..64).find(|index| !used.contains(index))?;
        let places: Vec<usize> = (0..64).filter(|place| !self.slices[vector].contains_key(place)).collect();
        let count = usize::try_from(slices).unwrap();
        if taken || slices == 0 || slices > 16 || places.len() < count {
            return None;
        }
        let generation = self.born.entry(index).or_insert(0);
        *generation += 1;
        let id = (index, *generation);
        self.environments.insert(id, Environment { cpu, input, ended: false, vector: 0 });
        self.slices[vector].extend(places.into_iter().take(count).map(|place| (place, id)));
        Some(id)
    }

    pub(super) fn allocate(&mut self, id: Id, count: u64, align: u64) -> Option<(u64, u64)> {
        if !self.runs(id) || count == 0 || align.count_ones() != 1 {
            return None;
        }
        let length = u64::try_from(self.frames.len()).unwrap();
        let frame = |number: u64| self.frames[usize::try_from(number).unwrap()];
        let free = |number: u64| matches!(frame(number), Frame::Clean | Frame::Dirty);
        let fits = |&first: &u64| first % align == 0 && first.checked_add(count).is_some_and(|end| end <= length);
        let first = (0..length).filter(fits).find(|&first| (first..first + count).all(free))?;
        let dirty = (first..first + count).filter(|&number| frame(number) == Frame::Dirty).count();
        for number in first..first + count {
            self.frames[usize::try_from(number).unwrap()] = Frame::Of(id);
        }
        Some((first, u64::try_from(dirty).unwrap()))
    }

    pub(super) fn end(&mut self, id: Id) -> Option<u64> {
        if !self.runs(id) {
            return None;
        }
        let environment = self.environments.get_mut(&id)?;
        environment.ended = true;
        environment.vector = 0;
        self.slices.iter_mut().for_each(|vector| vector.retain(|_, owner| *owner != id));
        Some(self.replace(Frame::Of(id), Frame::Leaving(id)))
    }

    pub(super) fn finish(&mut self, id: Id) {
        self.replace(Frame::Leaving(id), Frame::Dirty);
    }

    pub(super) fn forget(&mut self, id: Id) -> bool {
        let ended = self.environments.get(&id).is_some_and(|environment| environment.ended);
        let gone = ended && !self.frames.contains(&Frame::Leaving(id));
        if gone {
            self.environments.remove(&id);
        }
        gone
    }

    pub(super) fn next_slice(&mut self, cpu: usize, blocked: Id) -> Option<(usize, Id)> {
        let vector = self.slices.get(cpu)?;
        let last = self.last[cpu];
        let after = vector.range(last + 1..).chain(vector.range(..=last));
        let (&place, &owner) = after.into_iter().find(|(_, owner)| **owner != blocked)?;
        self.last[cpu] = place;
        Some((place, owner))
    }

    pub(super) fn call(&mut self, id: Id, number: u64, a: [u64; 3]) -> Answer {
        let none = || String::from("None");
        let fails = |number| (number, 0, none());
        if !self.runs(id) {
            return fails(1);
        }
        match number {
            0 => (0, 0, none()),
            1 => (0, 0, std::format!("EndEnvironment {{ status: {} }}", a[0] % (1 << 32))),
            2 if a[0] != 1 && a[0] != 2 => fails(2),
            2 => match self.memory(id, a[1], a[2]) {
                Err(error) => fails(error),
                Ok(places) => {
                    let stream = if a[0] == 1 { Stream::Output } else { Stream::Errors };
                    let channel = u8::try_from(id.0).unwrap();
                    let bytes = places.iter().map(|&place| (channel, stream, self.machine.memory[place]));
                    self.machine.written.extend(bytes);
                    (0, a[2], none())
                }
            },
            3 => match self.memory(id, a[0], a[1]) {
                Err(error) => fails(error),
                Ok(_) if !self.environments[&id].input => (0, 0, none()),
                Ok(places) => {
                    let mut read = 0;
                    for (place, byte) in places.into_iter().zip(std::iter::from_fn(|| self.machine.typed.pop_front())) {
                        self.machine.memory[place] = byte;
                        read += 1;
                    }
                    (0, read, none())
                }
            },
            4 => (0, 0, String::from("YieldSlice")),
            5 if a[0] == 0 || (32..256).contains(&a[0]) => {
                self.environments.get_mut(&id).unwrap().vector = a[0];
                (0, 0, none())
            }
            5 => fails(2),
            6 if a[0] < 2 => (0, 0, std::format!("FaultDelivery {{ on: {} }}", a[0] == 1)),
            6 => fails(2),
            _ => fails(1),
        }
    }

    /// Looks at each byte of a memory argument by itself.
    fn memory(&self, id: Id, physical: u64, length: u64) -> Result<Vec<usize>, u64> {
        if length > 4096 || u128::from(physical) + u128::from(length) > u128::from(u64::MAX) {
            return Err(4);
        }
        let held = |byte: u64| {
            let frame = usize::try_from(byte / 4096).unwrap();
            self.frames.get(frame) == Some(&Frame::Of(id))
        };
        let bytes = physical..physical + length;
        if bytes.clone().all(held) { Ok(bytes.map(|byte| usize::try_from(byte).unwrap()).collect()) } else { Err(3) }
    }

    fn replace(&mut self, from: Frame, to: Frame) -> u64 {
        let mut count = 0;
        for frame in self.frames.iter_mut().filter(|frame| **frame == from) {
            *frame = to;
            count += 1;
        }
        count
    }
}
