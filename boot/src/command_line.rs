//! The kernel's command line and the lines of its modules, as `docs/command-line.md` describes them.
//!
//! Nothing is guessed: an unknown key, a repeated key or a value outside its range is an error that names it.

mod error;
mod words;

#[cfg(test)]
mod tests;

pub use error::CommandLineError;
pub use words::Value;
use words::{Word, words};

use exo_abi::boot_page::{MAX_ARGUMENTS, MAX_NAME};
use exo_abi::layout::FRAME_SIZE;

/// Most CPUs that the kernel starts.
pub const MAX_CPUS: u32 = 64;

const FRAMES_IN_MEBIBYTE: u64 = (1 << 20) / FRAME_SIZE;
const MAX_MEMORY_MEBIBYTES: u64 = 1 << 24;

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
            timer: Timer::default(),
            cpus: None,
            trace: false,
            dump_capabilities: false,
        }
    }
}

/// What a module's line says about the environment that it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleOptions<'a> {
    /// The environment's name in reports, 1..=32 bytes without quotes, backslashes or control characters.
    pub name: &'a str,
    /// Frames that the environment gets.
    pub memory_frames: u64,
    /// The CPU that runs it, 0..=63; nothing says yet that the machine has it.
    pub cpu: u32,
    /// Slices in each round of that CPU's slice vector, 1..=16.
    pub slices: u32,
    /// The run does not wait for this environment to end.
    pub background: bool,
    /// The environment gets what is typed at the console.
    pub input: bool,
    /// Given to the environment as it is, up to 1024 bytes.
    pub arguments: Value<'a>,
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
    (options, result)
}

/// Parses one module's line.
///
/// # Errors
/// The first word that is not as `docs/command-line.md` says, or a missing name.
pub fn parse_module(line: &str) -> Result<ModuleOptions<'_>, CommandLineError<'_>> {
    let mut options = ModuleOptions {
        name: "",
        memory_frames: 4 * FRAMES_IN_MEBIBYTE,
        cpu: 0,
        slices: 1,
        background: false,
        input: false,
        arguments: Value::default(),
    };
    each_word(line, |word| {
        match word.key {
            "name" => options.name = name(&word)?,
            "memory" => {
                let mebibytes = word.number(1, MAX_MEMORY_MEBIBYTES, "1 to 16777216 (MiB)")?;
                options.memory_frames = mebibytes * FRAMES_IN_MEBIBYTE;
            }
            "cpu" => options.cpu = word.number(0, MAX_CPUS - 1, "0 to 63")?,
            "slices" => options.slices = word.number(1, 16, "1 to 16")?,
            "background" => options.background = word.flag()?,
            "input" => options.input = word.flag()?,
            "arguments" => {
                options.arguments = word.value()?;
                if options.arguments.length() > MAX_ARGUMENTS {
                    return Err(word.bad("at most 1024 bytes"));
                }
            }
            key => return Err(CommandLineError::UnknownKey { key }),
        }
        Ok(())
    })?;
    if options.name.is_empty() {
        return Err(CommandLineError::MissingKey { key: "name" });
    }
    Ok(options)
}

/// Checks what concerns all modules together: names are unique, and at most one gets the console's input.
///
/// # Errors
/// The first module that collides with one before it.
pub fn check_modules<'a>(modules: &[ModuleOptions<'a>]) -> Result<(), CommandLineError<'a>> {
    let mut input: Option<&str> = None;
    for (index, module) in modules.iter().enumerate() {
        if modules[..index].iter().any(|earlier| earlier.name == module.name) {
            return Err(CommandLineError::NameTaken { name: module.name });
        }
        if module.input {
            if let Some(first) = input {
                return Err(CommandLineError::SecondInput { first, second: module.name });
            }
            input = Some(module.name);
        }
    }
    Ok(())
}

fn name<'a>(word: &Word<'a>) -> Result<&'a str, CommandLineError<'a>> {
    match word.value()?.plain() {
        Some(name) if (1..=MAX_NAME).contains(&name.len()) && !name.contains(char::is_control) => Ok(name),
        _ => Err(word.bad("1 to 32 bytes without quotes, backslashes and control characters")),
    }
}

/// Calls `take` for every word of `line`, refusing a key that came before.
fn each_word<'a>(
    line: &'a str,
    mut take: impl FnMut(Word<'a>) -> Result<(), CommandLineError<'a>>,
) -> Result<(), CommandLineError<'a>> {
    let mut result = Ok(());
    for (index, word) in words(line).enumerate() {
        let taken = word.and_then(|word| {
            let mut earlier = words(line).take(index).flatten();
            if earlier.any(|earlier| earlier.key == word.key) {
                return Err(CommandLineError::Repeated { key: word.key });
            }
            take(word)
        });
        result = result.and(taken);
    }
    result
}
