//! Intel VMX: what the CPU offers, how a guest is set up, entered and left. No notion of who owns a guest.

pub mod active;
pub mod capability;
#[cfg(test)]
pub mod capability_sets;
mod context;
pub mod controls;
pub mod emulate;
pub mod entry_check;
pub mod exit;
pub mod fault;
pub mod fields;
pub mod instruction_error;
pub mod operation;
mod page_table_root;
pub mod registers;
pub mod run;
pub mod setup;
pub mod switched;
pub mod transfer;
pub mod vcpu;
pub mod vmcs;

pub use context::Counters;
