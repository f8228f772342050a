//! From the first instruction to `main`.

use crate::{STATUS_BOOT_PAGE, call, console, exceptions, frames, logger, segments};
use exo_abi::ABI_VERSION;
use exo_abi::boot_page::{BootPage, MAGIC};

/// Makes `$main`, a `fn(&'static BootPage) -> u32`, the program of this image; its result is the exit status.
///
/// On the host the macro only checks `$main`'s type, so that editors and lints can read guests.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        // The kernel promises a stack pointer and rdi only. A zero rbp ends backtraces.
        #[cfg(target_os = "none")]
        ::core::arch::global_asm!(
            ".pushsection .text._start,\"ax\",@progbits",
            ".global _start",
            "_start:",
            "xor ebp, ebp",
            "and rsp, -16",
            "cld",
            "call {start}",
            "ud2",
            ".popsection",
            start = sym ravelin_start,
        );

        #[cfg_attr(not(target_os = "none"), allow(dead_code))]
        extern "C" fn ravelin_start(boot: &'static $crate::abi::boot_page::BootPage) -> ! {
            $crate::start::run(boot, $main)
        }
    };
}

/// Sets the library up, runs `main` and exits with its result.
///
/// The first instruction calls this once; a second call would hand out the same frames again, so it must not
/// be called by anyone else.
#[doc(hidden)]
pub fn run(boot: &'static BootPage, main: fn(&'static BootPage) -> u32) -> ! {
    if boot.magic != MAGIC || boot.abi_version != ABI_VERSION {
        call::exit(STATUS_BOOT_PAGE);
    }
    frames::initialise(boot);
    crate::info::initialise(boot);
    crate::capability::initialise(boot);
    crate::vcpu::initialise(boot);
    console::initialise();
    logger::initialise();
    segments::load(0);
    exceptions::load();
    let status = main(boot);
    console::flush();
    call::exit(status)
}
