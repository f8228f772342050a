//! Input of the console: from the serial port, when it interrupts or somebody looks, until its environment reads it.
//!
//! The port keeps 16 bytes at most. What comes while this ring is full stays there, and is lost where the other end does not wait.

use crate::kernel::Kernel;
use crate::services::Services;
use hv::cpu::CpuIndex;
use hv::output;

/// Bytes that wait to be read at most.
const CAPACITY: usize = 4096;

/// Bytes in the order in which they came.
#[derive(Debug)]
pub(crate) struct Ring {
    bytes: [u8; CAPACITY],
    first: usize,
    length: usize,
}

impl Ring {
    pub(crate) const EMPTY: Self = Self { bytes: [0; CAPACITY], first: 0, length: 0 };

    /// Takes what `source` has, as long as there is room; whether anything came.
    fn fill(&mut self, source: impl FnMut() -> Option<u8>) -> bool {
        let before = self.length;
        for byte in core::iter::from_fn(source).take(CAPACITY - before) {
            self.bytes[(self.first + self.length) % CAPACITY] = byte;
            self.length += 1;
        }
        self.length != before
    }

    /// Takes bytes out, as many as fit; how many.
    fn take(&mut self, to: &mut [u8]) -> usize {
        let count = to.len().min(self.length);
        for byte in &mut to[..count] {
            *byte = self.bytes[self.first];
            self.first = (self.first + 1) % CAPACITY;
        }
        self.length -= count;
        count
    }
}

impl Services<'_> {
    /// Takes what has been typed, as much as fits.
    pub(crate) fn take_input(&mut self, to: &mut [u8]) -> usize {
        let ring = &mut self.spaces.input;
        let mut taken = 0;
        loop {
            ring.fill(output::read);
            match ring.take(&mut to[taken..]) {
                0 => return taken,
                count => taken += count,
            }
        }
    }
}

impl Kernel {
    /// Has what waits at the serial port told to whoever gets the input.
    pub(crate) fn look_at_input(&self, cpu: CpuIndex) {
        if output::input_waits() {
            self.with(cpu, |core, services| {
                if services.spaces.input.fill(output::read) {
                    core.input_came(services);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests;
