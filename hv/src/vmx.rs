//! Intel VMX: what the CPU offers, how a guest is set up, entered and left. No notion of who owns a guest.

pub mod capability;
pub mod controls;
pub mod exit;
pub mod fields;
pub mod instruction_error;
#[cfg(target_os = "none")]
pub mod operation;
#[cfg(target_os = "none")]
pub mod run;
#[cfg(target_os = "none")]
pub mod setup;
#[cfg(target_os = "none")]
pub mod switched;
#[cfg(target_os = "none")]
pub mod vcpu;
#[cfg(target_os = "none")]
pub mod vmcs;
#[cfg(target_os = "none")]
pub mod emulate;
