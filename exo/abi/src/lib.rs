//! The contract between the exokernel and its library OSes.
//!
//! Both sides compile this crate, so a layout or a number exists once. It holds no logic beyond what both
//! ends of a wire must agree on, and no unsafe code.
#![no_std]
#![forbid(unsafe_code)]

pub mod boot_page;
pub mod call;
pub mod capability;
pub mod console;
pub mod counters;
pub mod environment_page;
pub mod error;
pub mod events;
pub mod fault_page;
pub mod info;
pub mod layout;
pub mod wakeup;

#[cfg(test)]
extern crate std;

#[cfg(test)]
mod tests;

/// Version of everything in this crate; an environment reads it from its boot page and from CPUID leaf
/// [`cpuid::VERSION_LEAF`].
pub const ABI_VERSION: u32 = 2;

/// The CPUID leaves by which a guest recognises Ravelin.
pub mod cpuid {
    /// Highest hypervisor leaf in EAX; [`SIGNATURE`] in EBX, ECX, EDX.
    pub const SIGNATURE_LEAF: u32 = 0x4000_0000;
    /// EAX: [`crate::ABI_VERSION`]; EBX: environment index; ECX: environment generation; EDX: 0.
    pub const VERSION_LEAF: u32 = 0x4000_0001;
    /// "RavelinExoK!" in EBX, ECX, EDX.
    pub const SIGNATURE: [u8; 12] = *b"RavelinExoK!";
}
