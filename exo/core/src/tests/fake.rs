//! A machine of 64 frames that records what is done to it.

use crate::machine::Machine;
use exo_abi::console::Stream;
use std::collections::VecDeque;
use std::vec;
use std::vec::Vec;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct FakeMachine {
    pub(super) memory: Vec<u8>,
    pub(super) written: Vec<(u8, Stream, u8)>,
    pub(super) typed: VecDeque<u8>,
    pub(super) reads: usize,
}

impl Default for FakeMachine {
    fn default() -> Self {
        Self { memory: vec![0; 64 << 12], written: vec![], typed: VecDeque::new(), reads: 0 }
    }
}

impl Machine for FakeMachine {
    fn copy_from_frames(&mut self, physical: u64, to: &mut [u8]) {
        let start = usize::try_from(physical).unwrap();
        to.copy_from_slice(&self.memory[start..start + to.len()]);
        self.reads += to.len();
    }

    fn copy_to_frames(&mut self, physical: u64, from: &[u8]) {
        let start = usize::try_from(physical).unwrap();
        self.memory[start..start + from.len()].copy_from_slice(from);
    }

    fn console_write(&mut self, channel: u8, stream: Stream, bytes: &[u8]) {
        self.written.extend(bytes.iter().map(|&byte| (channel, stream, byte)));
    }

    fn console_read(&mut self, to: &mut [u8]) -> usize {
        let count = to.len().min(self.typed.len());
        for (to, byte) in to.iter_mut().zip(self.typed.drain(..count)) {
            *to = byte;
        }
        count
    }

    fn now(&self) -> u64 {
        0
    }
}
