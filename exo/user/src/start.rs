//! From the first instruction to `main`.

use crate::{
    STATUS_BOOT_PAGE, call, capability, console, data, exceptions, frames, image, info, logger, segments, vcpu,
};
use core::mem::offset_of;
use exo_abi::ABI_VERSION;
use exo_abi::boot_page::{BootPage, FrameRun, MAGIC};
use exo_abi::events::EventPage;
use exo_abi::info::{EnvironmentRecord, FrameRecord, MAX_ENVIRONMENTS, SliceVector, SystemPage};
use exo_abi::layout::FRAME_SIZE;

/// What a program is: its result is the exit status.
pub type Main = fn(&'static BootPage) -> u32;

/// Makes `$main`, a `fn(&'static BootPage) -> u32`, the program of this image; its result is the exit status. With
/// `, with_children` the image is kept as it was, so that children can begin from it.
///
/// On the host the macro only checks `$main`'s type, so that editors and lints can read guests.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        $crate::entry!(@start $main, $crate::start::run);
    };
    ($main:path, with_children) => {
        $crate::entry!(@start $main, $crate::start::run_and_keep);
    };
    (@start $main:path, $run:path) => {
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
            $run(boot, $main)
        }
    };
}

/// Sets the library up, runs `main` and exits with its result.
///
/// The first instruction calls this once; a second call would hand out the same frames again, so it must not
/// be called by anyone else.
#[doc(hidden)]
pub fn run(boot: &'static BootPage, main: Main) -> ! {
    check(boot);
    frames::initialise(boot, 0);
    finish(boot, main)
}

/// The same, and keeps the image as it is now.
#[doc(hidden)]
pub fn run_and_keep(boot: &'static BootPage, main: Main) -> ! {
    check(boot);
    frames::initialise(boot, image::keep(boot));
    finish(boot, main)
}

fn check(boot: &BootPage) {
    if boot.magic != MAGIC || boot.abi_version != ABI_VERSION {
        call::exit(STATUS_BOOT_PAGE);
    }
}

fn finish(boot: &'static BootPage, main: Main) -> ! {
    info::initialise(boot);
    data::initialise(boot);
    capability::initialise(boot);
    vcpu::initialise(boot);
    console::initialise();
    logger::initialise();
    if exceptions::stacks::prepare(0).is_err() {
        call::exit(STATUS_BOOT_PAGE);
    }
    segments::load(0);
    exceptions::load();
    let status = main(boot);
    console::flush();
    call::exit(status)
}

// A child begins here, with its boot page and its program on the stack, for rdi is the event page's.
core::arch::global_asm!(
    ".pushsection .text.ravelin_child_start,\"ax\",@progbits",
    "ravelin_child_start:",
    "xor ebp, ebp",
    "pop rdi",
    "pop rsi",
    "and rsp, -16",
    "cld",
    "call {start}",
    "ud2",
    ".popsection",
    start = sym child_start,
);

/// The first instruction of a child.
pub(crate) fn child_entry() -> u64 {
    let address: u64;
    // SAFETY: computes the address of the code above and does nothing else.
    unsafe {
        core::arch::asm!("lea {}, [rip + ravelin_child_start]", out(reg) address, options(nomem, nostack, preserves_flags))
    };
    address
}

extern "C" fn child_start(boot: *mut BootPage, main: *const ()) -> ! {
    // SAFETY: the parent has put a program of this type on the stack.
    let main = unsafe { core::mem::transmute::<*const (), Main>(main) };
    // SAFETY: the parent has put the boot page there, and nobody else uses it yet.
    let page = unsafe { &mut *boot };
    check(page);
    frames::initialise(page, image::keep(page));
    complete(page);
    // SAFETY: nobody writes the page from here on.
    finish(unsafe { &*boot }, main)
}

/// Maps the kernel's pages, which the parent could not, and writes down where they are.
fn complete(boot: &mut BootPage) {
    show(boot.event_page_physical, 1);
    let at = |physical: u64, offset: usize| {
        // SAFETY: the kernel's page lies there, mapped a moment ago, and the word is in it.
        unsafe { frames::window(physical + offset as u64).cast::<u64>().read_volatile() }
    };
    boot.counters_physical = at(boot.event_page_physical, offset_of!(EventPage, counters));
    boot.fault_page_physical = at(boot.event_page_physical, offset_of!(EventPage, fault_page));
    boot.environment_page_physical = at(boot.event_page_physical, offset_of!(EventPage, environment_page));
    boot.system_page_physical = at(boot.event_page_physical, offset_of!(EventPage, system_page));
    for page in [boot.counters_physical, boot.fault_page_physical, boot.environment_page_physical] {
        show(page, 1);
    }
    show(boot.system_page_physical, 1);
    let system = boot.system_page_physical;
    let frame_count = at(system, offset_of!(SystemPage, frame_count));
    let cpus = at(system, offset_of!(SystemPage, abi_version)) >> 32;
    show(at(system, offset_of!(SystemPage, frame_table)), frame_count * size_of::<FrameRecord>() as u64);
    let environments = MAX_ENVIRONMENTS * size_of::<EnvironmentRecord>();
    show(at(system, offset_of!(SystemPage, environment_table)), environments as u64);
    show(at(system, offset_of!(SystemPage, slice_vectors)), cpus * size_of::<SliceVector>() as u64);
}

/// Maps bytes of the kernel's in the window. Without frames for the tables the child cannot begin.
fn show(physical: u64, bytes: u64) {
    let first = physical / FRAME_SIZE;
    let end = (physical + bytes).div_ceil(FRAME_SIZE);
    if frames::extend_window(FrameRun { first, count: end - first }).is_err() {
        call::exit(STATUS_BOOT_PAGE);
    }
}
