//! What the test guests share: surviving faults, running ring-3 programs, counting exits, and the hostile cases.
#![cfg_attr(not(test), no_std)]
// Tests of protection break rules on purpose, in assembly.
#![allow(unsafe_code)]

extern crate alloc;

pub mod exits;
pub mod faults;
pub mod hostile;
pub mod interface;
pub mod kit;
pub mod revocation;
pub mod user_mode;

/// Assembles a piece of code into the text section without running it: a byte slice of it. Labels 4 to 9 are free.
#[macro_export]
macro_rules! code {
    ($($line:literal),+ $(,)?) => {{
        let (start, end): (*const u8, *const u8);
        // SAFETY: computes two addresses and jumps over the code between them.
        unsafe {
            ::core::arch::asm!(
                "lea {start}, [rip + 2f]",
                "lea {end}, [rip + 3f]",
                "jmp 3f",
                "2:",
                $($line,)+
                "3:",
                start = out(reg) start,
                end = out(reg) end,
                options(nomem, nostack, preserves_flags),
            );
        }
        // SAFETY: both labels are in the image's text, which is mapped readable and never changes.
        let code: &'static [u8] = unsafe { ::core::slice::from_raw_parts(start, end as usize - start as usize) };
        code
    }};
}
