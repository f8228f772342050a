//! Where lines go, and how it ends: as the first process of an emulated machine, by the emulator's own ports; else as a program does.

use std::fmt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bochs prints what is written here (`port_e9_hack`); a serial line would cost thousands of instructions a byte.
const CONSOLE: u16 = 0xe9;
/// Bochs stops in its debugger when it gets a `D` here.
const STOP: u16 = 0x8900;

static ON_PORTS: AtomicBool = AtomicBool::new(false);

/// What this runs on.
pub struct Machine(());

impl Machine {
    /// Prepares the machine, if this process is its first.
    pub fn begin() -> Machine {
        if std::process::id() == 1 {
            // SAFETY: no memory is involved but constant strings; a refusal shows later, as the lack of output or of a file.
            unsafe {
                libc::iopl(3);
                libc::mkdir(c"/proc".as_ptr(), 0o755);
                libc::mount(c"proc".as_ptr(), c"/proc".as_ptr(), c"proc".as_ptr(), 0, std::ptr::null());
            }
            ON_PORTS.store(true, Ordering::Relaxed);
        }
        print(format_args!("linux-bench begins"));
        Machine(())
    }

    /// Says how it went, and ends the machine or the program.
    pub fn end(self, good: bool) -> ExitCode {
        print(format_args!("linux-bench {}", if good { "finished" } else { "gave up" }));
        while ON_PORTS.load(Ordering::Relaxed) {
            write_port(STOP, b'D');
        }
        ExitCode::from(u8::from(!good))
    }
}

/// Prints lines.
pub fn print(lines: fmt::Arguments<'_>) {
    if !ON_PORTS.load(Ordering::Relaxed) {
        println!("{lines}");
        return;
    }
    lines.to_string().bytes().chain([b'\n']).for_each(|byte| write_port(CONSOLE, byte));
}

fn write_port(port: u16, byte: u8) {
    // SAFETY: only the first process of an emulated machine gets here, which has asked for the ports; these two belong to the emulator.
    unsafe { std::arch::asm!("out dx, al", in("dx") port, in("al") byte, options(nomem, nostack, preserves_flags)) }
}
