//! Handlers that nest for ever, and handlers that need more stack than there is. Each ends the environment, and says why.

use core::arch::asm;
use exo_user::exceptions::{self, ExceptionFrame, Interrupted, InvalidOpcode};

fn again_fast(_: InvalidOpcode, _: &mut Interrupted) {
    // SAFETY: nothing goes on behind it.
    unsafe { asm!("ud2") };
}

/// Every handler faults.
pub fn nested() -> u32 {
    exceptions::handle(again_fast);
    // SAFETY: the environment ends in its handler.
    unsafe { asm!("ud2") };
    1
}

/// Goes down a stack page by page.
#[inline(never)]
fn descend(depth: u64) -> u64 {
    let page = core::hint::black_box([depth; 512]);
    if depth == 0 { 0 } else { descend(depth - 1) + page[511] }
}

fn descend_fully(_: InvalidOpcode, frame: &mut ExceptionFrame) {
    frame.rax = descend(100);
}

fn descend_fast(_: InvalidOpcode, interrupted: &mut Interrupted) {
    interrupted.rip += descend(100);
}

/// A handler needs more than its stack has.
pub fn overflow() -> u32 {
    exceptions::handle_fully(descend_fully);
    // SAFETY: the environment ends in its handler.
    unsafe { asm!("ud2", out("rax") _) };
    1
}

/// The same in the fast kind.
pub fn fast_overflow() -> u32 {
    exceptions::handle(descend_fast);
    // SAFETY: as above.
    unsafe { asm!("ud2") };
    1
}
