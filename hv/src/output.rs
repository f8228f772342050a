//! Where the kernel's bytes go: the first serial port or the emulator's debug port, one whole message at a time.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU8, Ordering};
use spin::Mutex;
use x86::io::{inb, outb, outl};

/// A way out of the machine for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Sink {
    /// The 16550 at port 0x3f8: on every machine.
    Com1 = 0,
    /// Port 0xe9 of Bochs and QEMU: fast, and nothing at all on other machines.
    DebugPort = 1,
}

const COM1: u16 = 0x3f8;
const DEBUG_PORT: u16 = 0xe9;
const LINE_STATUS: u16 = 5;
/// Reads of the line status before a byte is dropped: a port that is not there must not stop the kernel.
const PATIENCE: u32 = 1_000_000;

static SINK: AtomicU8 = AtomicU8::new(Sink::Com1 as u8);
static LOCK: Mutex<()> = Mutex::new(());

/// Chooses where bytes go from now on, and prepares the serial port, which also carries input.
pub fn initialise(sink: Sink) {
    // 115200 baud, 8 data bits, no parity, FIFOs on, no interrupts.
    for (register, value) in [(1, 0), (3, 0x80), (0, 1), (1, 0), (3, 3), (2, 7), (4, 3)] {
        // SAFETY: these are the registers of the first serial port, where every PC has it or nothing.
        unsafe { outb(COM1 + register, value) };
    }
    SINK.store(sink as u8, Ordering::Relaxed);
}

fn put(byte: u8) {
    if SINK.load(Ordering::Relaxed) == Sink::DebugPort as u8 {
        // SAFETY: the command line says that this machine has the debug port; writing it has no other effect.
        unsafe { outb(DEBUG_PORT, byte) };
        return;
    }
    for _ in 0..PATIENCE {
        // SAFETY: reading the serial port's line status has no effect.
        if unsafe { inb(COM1 + LINE_STATUS) } & 0x20 != 0 {
            break;
        }
    }
    // SAFETY: the transmit register of the first serial port.
    unsafe { outb(COM1, byte) };
}

/// Writes all of `pieces` with nothing of another CPU's between them.
pub fn write(pieces: &[&[u8]]) {
    let _whole = LOCK.lock();
    pieces.iter().flat_map(|piece| piece.iter()).for_each(|&byte| put(byte));
}

/// Whether a byte waits that was typed.
#[must_use]
pub fn input_waits() -> bool {
    // SAFETY: reading the serial port's line status has no effect but on errors, which nobody reads; 0xff is a port that is not there.
    let status = unsafe { inb(COM1 + LINE_STATUS) };
    status != 0xff && status & 1 != 0
}

/// Takes a typed byte, if one waits.
#[must_use]
pub fn read() -> Option<u8> {
    // SAFETY: the receive register of the first serial port, which has a byte.
    input_waits().then(|| unsafe { inb(COM1) })
}

/// Has the serial port interrupt when something comes. Its interrupts are routed somewhere.
pub fn interrupt_on_input() {
    // At eight bytes, or when no more come; received data; and the output that lets interrupts out, beside the two that say that this end
    // is there.
    for (register, value) in [(2, 0x81), (1, 1), (4, 0xb)] {
        // SAFETY: registers of the first serial port, as in `initialise`.
        unsafe { outb(COM1 + register, value) };
    }
}

struct Line;

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The log never holds the byte that begins a console record.
        text.bytes().for_each(|byte| put(if byte == 0x1e { b'?' } else { byte }));
        Ok(())
    }
}

/// Prints one line of the log: time, CPU, message.
pub fn line(message: fmt::Arguments<'_>) {
    let _whole = LOCK.lock();
    print(message);
}

/// As [`line`], but breaks the lock: for a panic, whose CPU may hold it.
pub fn line_in_panic(message: fmt::Arguments<'_>) {
    for _ in 0..PATIENCE {
        if let Some(_whole) = LOCK.try_lock() {
            return print(message);
        }
    }
    print(message);
}

fn print(message: fmt::Arguments<'_>) {
    let (ticks, cpu) = (crate::cpu::tsc(), crate::cpu::index_or_zero());
    // `Line` never fails.
    let _ = writeln!(Line, "{ticks:>14} cpu{cpu} {message}");
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        line(format_args!("{}", record.args()));
    }

    fn flush(&self) {}
}

/// Makes `log`'s macros print here.
pub fn install_logger() {
    static LOGGER: Logger = Logger;
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
}

/// How a machine is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Stop for good with interrupts off.
    Halt,
    /// Bochs: `D` to port 0x8900 stops in its debugger, `Shutdown` ends it with an error.
    Bochs,
    /// QEMU's `isa-debug-exit` at port 0xf4.
    Qemu,
}

/// Ends the machine; where that is not possible, stops this CPU for good.
pub fn finish(how: Finish, passed: bool) -> ! {
    const BOCHS: u16 = 0x8900;
    const QEMU: u16 = 0xf4;
    match (how, passed) {
        (Finish::Halt, _) => {}
        // SAFETY: the command line says that this is Bochs, whose port this is.
        (Finish::Bochs, true) => unsafe { outb(BOCHS, b'D') },
        // SAFETY: the same.
        (Finish::Bochs, false) => b"Shutdown".iter().for_each(|&byte| unsafe { outb(BOCHS, byte) }),
        // SAFETY: the command line says that QEMU has its exit device here.
        (Finish::Qemu, _) => unsafe { outl(QEMU, u32::from(!passed)) },
    }
    crate::cpu::halt_for_ever()
}
