//! What the state machine may ask of the machine: memory that its caller holds, the console, the time.

use exo_abi::console::{RECORD_MAX, Stream, header};
use exo_core::Machine;
use hv::addr::HostPhysical;
use hv::guest_memory::GuestMemory;
use hv::{cpu, output};

/// The machine below the state machine.
#[derive(Debug)]
pub(crate) struct Services<'k> {
    pub(crate) memory: &'k GuestMemory,
}

impl Machine for Services<'_> {
    fn copy_from_frames(&mut self, physical: u64, to: &mut [u8]) {
        // The state machine has found that the caller holds these frames, and it holds only guest memory; were that
        // ever wrong, the caller would get zeros, not the kernel's bytes.
        if self.memory.read(HostPhysical::new(physical), to).is_err() {
            to.fill(0);
        }
    }

    fn copy_to_frames(&mut self, physical: u64, from: &[u8]) {
        // As above: memory that is not a guest's is never written.
        let _ = self.memory.write(HostPhysical::new(physical), from);
    }

    fn console_write(&mut self, channel: u8, stream: Stream, bytes: &[u8]) {
        for chunk in bytes.chunks(RECORD_MAX) {
            let length = u8::try_from(chunk.len()).unwrap_or(u8::MAX);
            output::write(&[&header(channel, stream, length), chunk]);
        }
    }

    fn console_read(&mut self, to: &mut [u8]) -> usize {
        let mut typed = core::iter::from_fn(output::read);
        to.iter_mut().map_while(|slot| typed.next().map(|byte| *slot = byte)).count()
    }

    fn now(&self) -> u64 {
        cpu::tsc()
    }
}
