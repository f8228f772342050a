//! What the state machine may ask of the machine, and what it must not.

use super::{FRAMES, Fake, OPEN_COST, Space, TABLE_FRAMES, bytes, cost, event_page_address, frames_in};
use crate::environment::EnvironmentId;
use crate::machine::{Binding, Machine, ReserveEmpty, VcpuStart};
use exo_abi::boot_page::FrameRun;
use exo_abi::console::Stream;
use exo_abi::environment_page::EnvironmentPage;
use exo_abi::info::{EnvironmentRecord, environment_outcome};
use std::boxed::Box;
use std::collections::BTreeMap;
use std::vec::Vec;
use zerocopy::FromZeros;

impl Machine for Fake {
    fn copy_from_frames(&mut self, physical: u64, to: &mut [u8]) {
        to.copy_from_slice(&self.memory[bytes(physical, to.len())]);
    }

    fn copy_to_frames(&mut self, physical: u64, from: &[u8]) {
        self.memory[bytes(physical, from.len())].copy_from_slice(from);
    }

    fn scrub(&mut self, run: FrameRun) {
        for frame in frames_in(run) {
            assert!(!self.reachable(frame), "frame {frame} is scrubbed while somebody reaches it");
            self.frame(frame).fill(0);
        }
    }

    fn can_bind(&self, rights: u64) -> bool {
        [1, 3, 5, 7].contains(&rights)
    }

    fn bind(&mut self, environment: usize, run: FrameRun, binding: Binding) -> Result<(), ReserveEmpty> {
        assert!(run.count != 0 && self.can_bind(binding.rights));
        let space = self.space(environment);
        let fresh: Vec<u64> = frames_in(run).collect();
        if cost(space.vcpus, space.entries.keys().chain(&fresh)) > space.reserve {
            return Err(ReserveEmpty);
        }
        for frame in fresh {
            assert!(frame < FRAMES && space.entries.insert(frame, binding).is_none(), "bound twice: {frame}");
        }
        Ok(())
    }

    fn unbind(&mut self, environment: usize, run: FrameRun) {
        assert!(run.count != 0, "nothing to unbind");
        let space = self.space(environment);
        for frame in frames_in(run) {
            assert!(space.entries.remove(&frame).is_some(), "frame {frame} is not bound in {environment}");
        }
        let root = space.root;
        self.unflushed.extend(frames_in(run).map(|frame| (root, frame)));
    }

    fn change(&mut self, environment: usize, run: FrameRun, binding: Binding) {
        assert!(run.count != 0 && self.can_bind(binding.rights));
        let space = self.space(environment);
        for frame in frames_in(run) {
            assert!(space.entries.insert(frame, binding).is_some(), "frame {frame} is not bound in {environment}");
        }
        let root = space.root;
        self.unflushed.extend(frames_in(run).map(|frame| (root, frame)));
    }

    fn binding(&self, environment: usize, frame: u64) -> Option<Binding> {
        self.spaces.get(&environment)?.entries.get(&frame).copied()
    }

    fn next_binding(&self, environment: usize, from: u64) -> Option<(FrameRun, Binding)> {
        let entries = &self.spaces.get(&environment)?.entries;
        let (&first, &binding) = entries.range(from..).next()?;
        // In parts: a table at a time.
        let end = (first + 1).next_multiple_of(TABLE_FRAMES);
        let count = (first..end).take_while(|frame| entries.get(frame) == Some(&binding)).count() as u64;
        Some((FrameRun { first, count }, binding))
    }

    fn flush(&mut self) {
        let told = core::mem::take(&mut self.unflushed);
        self.cached.retain(|key, _| !told.contains(&(key.root, key.frame)));
    }

    fn kick(&mut self, cpu: u32, _environment: usize) {
        self.kicked.insert(cpu);
    }

    fn expel(&mut self, environment: usize) {
        self.expelled.insert(environment);
    }

    fn environment_page(&mut self, environment: usize) -> Option<&mut EnvironmentPage> {
        self.spaces.get_mut(&environment).map(|space| &mut *space.page)
    }

    fn open(&mut self, environment: EnvironmentId, reserve: &[FrameRun]) -> Result<(), ReserveEmpty> {
        let count = reserve.iter().map(|run| run.count).sum();
        if count < OPEN_COST {
            return Err(ReserveEmpty);
        }
        reserve.iter().for_each(|run| self.take_as_metadata(*run));
        self.roots += 1;
        let (root, page) = (self.roots, Box::new(EnvironmentPage::new_zeroed()));
        let space = Space { id: environment, root, entries: BTreeMap::new(), reserve: count, vcpus: 0, page };
        assert!(self.spaces.insert(environment.place(), space).is_none(), "opened twice");
        Ok(())
    }

    fn add_reserve(&mut self, environment: usize, run: FrameRun) {
        self.take_as_metadata(run);
        self.space(environment).reserve += run.count;
    }

    fn close(&mut self, environment: usize, record: &EnvironmentRecord) {
        assert!(record.vcpus == 0 && record.outcome != environment_outcome::NONE);
        let space = self.spaces.remove(&environment).expect("closed once");
        assert!(space.entries.is_empty() && self.unflushed.is_empty());
        self.event_pages.retain(|&(place, _), _| place != environment);
    }

    fn create_vcpu(&mut self, start: &VcpuStart) -> Result<u64, ReserveEmpty> {
        let place = start.environment.place();
        let space = self.space(place);
        if cost(space.vcpus + 1, space.entries.keys()) > space.reserve {
            return Err(ReserveEmpty);
        }
        space.vcpus += 1;
        assert!(self.event_pages.insert((place, start.vcpu), (0, 0)).is_none(), "made twice");
        Ok(event_page_address(place, start.vcpu))
    }

    fn event_mask(&self, environment: usize, vcpu: usize) -> u64 {
        self.event_pages[&(environment, vcpu)].1
    }

    fn pending_events(&self, environment: usize, vcpu: usize) -> u64 {
        self.event_pages[&(environment, vcpu)].0
    }

    fn message(&self) -> crate::gates::Message {
        self.message
    }

    fn console_write(&mut self, channel: u8, stream: Stream, bytes: &[u8]) {
        self.written.extend(bytes.iter().map(|&byte| (channel, stream, byte)));
    }

    fn console_read(&mut self, to: &mut [u8]) -> usize {
        let count = to.len().min(self.typed.len());
        to.iter_mut().zip(self.typed.drain(..count)).for_each(|(to, byte)| *to = byte);
        count
    }

    fn now(&self) -> u64 {
        self.now
    }
}
