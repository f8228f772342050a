//! The Unix library OS: its start on the machine.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]

extern crate alloc;

#[cfg(target_os = "none")]
mod start;

use exo_user::abi::boot_page::BootPage;

exo_user::entry!(main);

fn main(boot: &'static BootPage) -> u32 {
    #[cfg(target_os = "none")]
    start::start(boot);
    #[cfg(not(target_os = "none"))]
    u32::from(boot.name().is_empty())
}
