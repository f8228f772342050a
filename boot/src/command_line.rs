//! The kernel's command line and the lines of its modules, as `docs/command-line.md` describes them.
//!
//! Nothing is guessed: an unknown key, a repeated key or a value outside its range is an error that names it.

mod data;
mod error;
mod module;
mod words;

#[cfg(test)]
mod tests;

pub use data::{check_data, data_owner};
pub use error::CommandLineError;
pub use module::{ModuleOptions, check_modules, parse_module};
pub use words::Value;
use words::{Word, words};

/// Most CPUs that the kernel starts.
pub const MAX_CPUS: u32 = 64;

/// Where the log and the console records go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// The first serial port.
    #[default]
    Com1,
    /// The emulator's debug port 0xe9.
    E9,
}

/// How the machine is ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finish {
    /// Every CPU halts.
    #[default]
    Halt,
    /// A write to port 0x8900.
    Bochs,
    /// A write to `isa-debug-exit` at port 0xf4.
    Qemu,
}

/// What ends a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timer {
    /// The deadline timer where the CPU has it, else the preemption timer.
    #[default]
    Auto,
    /// The local APIC's TSC-deadline timer.
    Deadline,
    /// The VMX preemption timer.
    Preemption,
}

/// What the kernel's own command line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelOptions {
    /// Where the log and the console records go.
    pub output: Output,
    /// How the machine is ended.
    pub finish: Finish,
    /// Length of one slice in microseconds, 100..=1000000.
    pub slice_us: u32,
    /// Grace at a slice's end in microseconds, at least 10 and no longer than the slice; `None`: an eighth of the slice.
    pub grace_us: Option<u32>,
    /// What ends a slice.
    pub timer: Timer,
    /// Start at most so many CPUs, 1..=64; `None`: all.
    pub cpus: Option<u32>,
    /// Print each CPU's trace ring when the run ends.
    pub trace: bool,
    /// Print the capability MSRs and CPUID leaves.
    pub dump_capabilities: bool,
}

impl Default for KernelOptions {
    fn default() -> Self {
        Self {
            output: Output::default(),
            finish: Finish::default(),
            slice_us: 10_000,
            grace_us: None,
            timer: Timer::default(),
            cpus: None,
            trace: false,
            dump_capabilities: false,
        }
    }
}

/// Parses the kernel's own command line.
///
/// # Errors
/// The first word that is not as `docs/command-line.md` says.
pub fn parse_kernel(line: &str) -> Result<KernelOptions, CommandLineError<'_>> {
    let (options, result) = read_kernel(line);
    result.map(|()| options)
}

/// As [`parse_kernel`], but with what the good words say beside the first error: a complaint about one word should still
/// go where another word wants it.
pub fn read_kernel(line: &str) -> (KernelOptions, Result<(), CommandLineError<'_>>) {
    let mut options = KernelOptions::default();
    let result = each_word(line, |word| {
        match word.key {
            "output" => options.output = word.one_of(&[("com1", Output::Com1), ("e9", Output::E9)], "com1 or e9")?,
            "finish" => {
                let choices = [("halt", Finish::Halt), ("bochs", Finish::Bochs), ("qemu", Finish::Qemu)];
                options.finish = word.one_of(&choices, "halt, bochs or qemu")?;
            }
            "slice_us" => options.slice_us = word.number(100, 1_000_000, "100 to 1000000")?,
            "grace_us" => options.grace_us = Some(word.number(10, 1_000_000, "10 to 1000000")?),
            "timer" => {
                let choices = [("auto", Timer::Auto), ("deadline", Timer::Deadline), ("preemption", Timer::Preemption)];
                options.timer = word.one_of(&choices, "auto, deadline or preemption")?;
            }
            "cpus" => options.cpus = Some(word.number(1, MAX_CPUS, "1 to 64")?),
            "trace" => options.trace = word.one_of(&[("off", false), ("on", true)], "off or on")?,
            "dump-capabilities" => options.dump_capabilities = word.flag()?,
            key => return Err(CommandLineError::UnknownKey { key }),
        }
        Ok(())
    });
    let result = result.and(match options.grace_us {
        Some(grace_us) if grace_us > options.slice_us => {
            Err(CommandLineError::GraceAboveSlice { grace_us, slice_us: options.slice_us })
        }
        _ => Ok(()),
    });
    (options, result)
}

/// Keys that may stand on a line more than once.
const LISTS: [&str; 1] = ["capability"];

/// Calls `take` for every word of `line`, refusing a key that came before.
fn each_word<'a>(
    line: &'a str,
    mut take: impl FnMut(Word<'a>) -> Result<(), CommandLineError<'a>>,
) -> Result<(), CommandLineError<'a>> {
    let mut result = Ok(());
    for (index, word) in words(line).enumerate() {
        let taken = word.and_then(|word| {
            let mut earlier = words(line).take(index).flatten();
            if !LISTS.contains(&word.key) && earlier.any(|earlier| earlier.key == word.key) {
                return Err(CommandLineError::Repeated { key: word.key });
            }
            take(word)
        });
        result = result.and(taken);
    }
    result
}
