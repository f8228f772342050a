//! Intel VMX: what the CPU offers, how a guest is set up, entered and left. No notion of who owns a guest.

pub mod fields;
pub mod instruction_error;
