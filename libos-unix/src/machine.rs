//! What the logic stands on: frames, the TLB, the clock, the registers of the program that runs. The real machine on the bare target, a
//! simulated one where tests run.

#[cfg(target_os = "none")]
pub mod hardware;
#[cfg(not(target_os = "none"))]
pub mod simulated;

#[cfg(target_os = "none")]
pub use hardware::*;
#[cfg(not(target_os = "none"))]
pub use simulated::*;
