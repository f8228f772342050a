//! What the state machine needs from the machine below it.

use exo_abi::console::Stream;

/// The machine as the state machine sees it. Implementations do as told: every check has been made before.
pub trait Machine {
    /// Copies bytes out of memory that the caller holds. The range is checked; it may cross frames.
    fn copy_from_frames(&mut self, physical: u64, to: &mut [u8]);

    /// Copies bytes into memory that the caller holds. The range is checked; it may cross frames.
    fn copy_to_frames(&mut self, physical: u64, from: &[u8]);

    /// Sends bytes to the host as one environment's. `channel` is the environment's index.
    fn console_write(&mut self, channel: u8, stream: Stream, bytes: &[u8]);

    /// Takes what has been typed, as much as fits, without waiting; says how many bytes.
    fn console_read(&mut self, to: &mut [u8]) -> usize;

    /// The time-stamp counter.
    fn now(&self) -> u64;
}
