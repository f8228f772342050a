//! What programs set of a socket (socket(7)).

use core::cell::Cell;

/// Bytes that may be sent and not received yet (Linux: net.core.wmem_default).
const BUFFER: usize = 212_992;
/// The least and the most that one can ask for (Linux: SOCK_MIN_SNDBUF, net.core.wmem_max doubled).
const BUFFERS: (usize, usize) = (4608, 425_984);

/// Options.
#[derive(Debug)]
pub struct Options {
    send_buffer: Cell<usize>,
    receive_buffer: Cell<usize>,
    passes_credentials: Cell<bool>,
    /// How long receiving and sending wait, in nanoseconds; 0 is for ever.
    limits: Cell<[u64; 2]>,
    /// Switches that change nothing here, by number.
    switches: Cell<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            send_buffer: Cell::new(BUFFER),
            receive_buffer: Cell::new(BUFFER),
            passes_credentials: Cell::new(false),
            limits: Cell::default(),
            switches: Cell::new(0),
        }
    }
}

const fn doubled(bytes: u32) -> usize {
    let bytes = (bytes as usize).saturating_mul(2);
    if bytes < BUFFERS.0 {
        BUFFERS.0
    } else if bytes > BUFFERS.1 {
        BUFFERS.1
    } else {
        bytes
    }
}

impl Options {
    /// Bytes that may be sent and not received yet.
    #[must_use]
    pub const fn send_buffer(&self) -> usize {
        self.send_buffer.get()
    }

    /// SO_SNDBUF: twice what is asked for, as bookkeeping counts.
    pub fn set_send_buffer(&self, bytes: u32) {
        self.send_buffer.set(doubled(bytes));
    }

    /// SO_RCVBUF; senders' limits are what counts.
    #[must_use]
    pub const fn receive_buffer(&self) -> usize {
        self.receive_buffer.get()
    }

    /// SO_RCVBUF.
    pub fn set_receive_buffer(&self, bytes: u32) {
        self.receive_buffer.set(doubled(bytes));
    }

    /// SO_PASSCRED: who sends is said.
    #[must_use]
    pub const fn passes_credentials(&self) -> bool {
        self.passes_credentials.get()
    }

    /// SO_PASSCRED.
    pub fn set_passes_credentials(&self, passes: bool) {
        self.passes_credentials.set(passes);
    }

    /// SO_RCVTIMEO or SO_SNDTIMEO, in nanoseconds.
    #[must_use]
    pub fn limit(&self, sending: bool) -> Option<u64> {
        Some(self.limits.get()[usize::from(sending)]).filter(|&limit| limit != 0)
    }

    /// SO_RCVTIMEO or SO_SNDTIMEO.
    pub fn set_limit(&self, sending: bool, limit: u64) {
        let mut limits = self.limits.get();
        limits[usize::from(sending)] = limit;
        self.limits.set(limits);
    }

    /// A switch that is only remembered.
    #[must_use]
    pub const fn switch(&self, number: u32) -> bool {
        self.switches.get() >> (number % 64) & 1 != 0
    }

    /// Remembers a switch.
    pub fn set_switch(&self, number: u32, on: bool) {
        let bit = 1 << (number % 64);
        let switches = self.switches.get();
        self.switches.set(if on { switches | bit } else { switches & !bit });
    }
}
