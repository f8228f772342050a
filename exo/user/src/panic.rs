//! A panic says where it happened and ends the environment.

use crate::{STATUS_PANIC, call, console, eprintln};
use core::panic::PanicInfo;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    console::flush();
    eprintln!("{info}");
    call::exit(STATUS_PANIC)
}
