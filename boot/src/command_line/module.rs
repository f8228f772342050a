//! The line of one module: what the environment that it becomes is given.

use super::error::CommandLineError;
use super::words::{Value, Word, decimal};
use super::{MAX_CPUS, each_word};
use exo_abi::boot_page::{ListedCapability, MAX_ARGUMENTS, MAX_CAPABILITIES, MAX_NAME};
use exo_abi::capability::{Name, SLOTS, rights};
use exo_abi::layout::FRAME_SIZE;

const FRAMES_IN_MEBIBYTE: u64 = (1 << 20) / FRAME_SIZE;
const MAX_MEMORY_MEBIBYTES: u64 = 1 << 24;

/// Capabilities of one line: the boot page lists the environment's own beside them.
const MAX_LISTED: usize = MAX_CAPABILITIES - 1;

/// What a module's line says about the environment that it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleOptions<'a> {
    /// The environment's name in reports, 1..=32 bytes without quotes, backslashes or control characters.
    pub name: &'a str,
    /// Frames that the environment gets.
    pub memory_frames: u64,
    /// Frames that it can never be asked to return, at most `memory_frames`.
    pub guarantee_frames: u64,
    /// Frames beside its memory for what the kernel keeps about it.
    pub reserve_frames: u64,
    /// The CPU that runs it, 0..=63; nothing says yet that the machine has it.
    pub cpu: u32,
    /// Slices in each round of that CPU's slice vector, 1..=16.
    pub slices: u32,
    /// The run does not wait for this environment to end.
    pub background: bool,
    /// The environment gets what is typed at the console.
    pub input: bool,
    /// The capability in its slot 0 has the right AUDIT.
    pub audit: bool,
    /// Its loads of CR3 exit, so that they are counted.
    pub count_cr3: bool,
    /// What it holds beside the capability in slot 0, each in a slot of its own.
    pub capabilities: heapless::Vec<ListedCapability, MAX_LISTED>,
    /// Given to the environment as it is, up to 2048 bytes.
    pub arguments: Value<'a>,
}

/// The metadata reserve of an environment whose line names none: its pages and virtual CPUs, and room for EPT tables.
const fn default_reserve(memory_frames: u64) -> u64 {
    96 + 2 * (memory_frames / FRAMES_IN_MEBIBYTE)
}

/// Parses one module's line.
///
/// # Errors
/// The first word that is not as `docs/command-line.md` says, or a missing name.
pub fn parse_module(line: &str) -> Result<ModuleOptions<'_>, CommandLineError<'_>> {
    let mut options = ModuleOptions {
        name: "",
        memory_frames: 4 * FRAMES_IN_MEBIBYTE,
        guarantee_frames: 0,
        reserve_frames: 0,
        cpu: 0,
        slices: 1,
        background: false,
        input: false,
        audit: false,
        count_cr3: false,
        capabilities: heapless::Vec::new(),
        arguments: Value::default(),
    };
    let (mut guarantee, mut reserve) = (None, None);
    each_word(line, |word| {
        match word.key {
            "name" => options.name = name(&word)?,
            "memory" => {
                let mebibytes = word.number(1, MAX_MEMORY_MEBIBYTES, "1 to 16777216 (MiB)")?;
                options.memory_frames = mebibytes * FRAMES_IN_MEBIBYTE;
            }
            "guarantee" => guarantee = Some(word.number(0, u64::MAX, "a number of frames")?),
            "reserve" => reserve = Some(word.number(32, 65536, "32 to 65536 (frames)")?),
            "cpu" => options.cpu = word.number(0, MAX_CPUS - 1, "0 to 63")?,
            "slices" => options.slices = word.number(1, 16, "1 to 16")?,
            "background" => options.background = word.flag()?,
            "input" => options.input = word.flag()?,
            "audit" => options.audit = word.flag()?,
            "count_cr3" => options.count_cr3 = word.flag()?,
            "capability" => {
                let capability = capability(&word)?;
                if options.capabilities.iter().any(|earlier| earlier.slot == capability.slot) {
                    return Err(CommandLineError::SlotTaken { value: word.raw() });
                }
                let full = CommandLineError::TooManyCapabilities { most: MAX_LISTED };
                options.capabilities.push(capability).map_err(|_| full)?;
            }
            "arguments" => {
                options.arguments = word.value()?;
                if options.arguments.length() > MAX_ARGUMENTS {
                    return Err(word.bad("at most 2048 bytes"));
                }
            }
            key => return Err(CommandLineError::UnknownKey { key }),
        }
        Ok(())
    })?;
    if options.name.is_empty() {
        return Err(CommandLineError::MissingKey { key: "name" });
    }
    let memory = options.memory_frames;
    options.guarantee_frames = guarantee.unwrap_or(memory);
    options.reserve_frames = reserve.unwrap_or(default_reserve(memory));
    if options.guarantee_frames > memory {
        return Err(CommandLineError::GuaranteeAboveMemory { guarantee: options.guarantee_frames, memory });
    }
    Ok(options)
}

/// Checks what concerns all modules together: names are unique, and at most one gets the console's input.
///
/// # Errors
/// The first module that collides with one before it.
pub fn check_modules<'m, 'a: 'm>(
    modules: impl Iterator<Item = &'m ModuleOptions<'a>> + Clone,
) -> Result<(), CommandLineError<'a>> {
    let mut input: Option<&str> = None;
    for (index, module) in modules.clone().enumerate() {
        if modules.clone().take(index).any(|earlier| earlier.name == module.name) {
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

/// `SLOT:NAME:RIGHTS`, such as `5:02.01:rw`.
fn capability<'a>(word: &Word<'a>) -> Result<ListedCapability, CommandLineError<'a>> {
    let mut parts = word.value()?.plain().unwrap_or("").split(':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(slot), Some(name), Some(letters), None) => {
            let slot = decimal(slot).filter(|slot| (1..SLOTS as u64).contains(slot));
            // Slot 0 is for the environment's own capability, and nobody is given the name that dominates all.
            let name = Name::parse(name).filter(|name| *name != Name::ROOT);
            Some((slot, name, rights_of(letters)))
        }
        _ => None,
    }
    .and_then(|(slot, name, rights)| Some(ListedCapability { slot: slot?, rights: rights?, name: name? }))
    .ok_or_else(|| {
        word.bad("SLOT:NAME:RIGHTS with a slot of 1 to 63, 1 to 15 bytes such as 02.0a, letters of rwxmgvcna")
    })
}

/// The rights that letters stand for, each at most once.
fn rights_of(letters: &str) -> Option<u64> {
    let bits = letters.chars().try_fold(0, |bits, letter| {
        let (bit, ..) = rights::SPELLINGS.iter().find(|(.., own)| *own == letter)?;
        (bits & bit == 0).then_some(bits | bit)
    });
    bits.filter(|&bits| bits != 0)
}

#[cfg(test)]
mod tests;
