//! What the multiboot2 boot loader passed: command lines, memory map, modules, ACPI root pointer, kernel symbols.
//!
//! The `multiboot2` crate names the tags and memory types here, but it does not walk them: it loads from a raw
//! pointer only, asserts on malformed tags and follows section headers without bounds. A tag is a pair of words and
//! bytes, so the walk is a few checked lines (`tags.rs`); the tests use the crate's builder as the other side.

mod error;
mod root_pointer;
mod sections;
mod tags;

#[cfg(test)]
mod tests;

pub use error::BootDataError;
pub use root_pointer::RootPointer;

use crate::list::List;
use multiboot2::{MemoryAreaType, MemoryAreaTypeId, TagType};
use tags::{Fields, tags};

/// Most modules that the kernel takes.
pub const MAX_MODULES: usize = 128;
/// Most entries of the memory map, after adjoining entries of one kind are joined.
pub const MAX_RANGES: usize = 128;
/// First address beyond what an x86-64 CPU can name physically.
const PHYSICAL_LIMIT: u64 = 1 << 52;

/// Physical addresses from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First address.
    pub start: u64,
    /// The address after the last.
    pub end: u64,
}

impl Range {
    /// The range of `length` bytes from `start`; `None` where it ends beyond what can be named physically.
    #[must_use]
    pub fn of(start: u64, length: u64) -> Option<Self> {
        let end = start.checked_add(length).filter(|&end| end <= PHYSICAL_LIMIT)?;
        Some(Self { start, end })
    }

    /// True where both ranges hold some address.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start.max(other.start) < self.end.min(other.end)
    }

    /// True where every address of `other` is in this range.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// How many bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// One entry of the memory map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryRange {
    /// Where.
    pub range: Range,
    /// Ordinary memory for the kernel to use; everything else is the firmware's.
    pub available: bool,
}

/// One module: a file in memory and the line that came with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Module<'a> {
    /// Where the file lies.
    pub range: Range,
    /// The module's line, see [`crate::command_line::parse_module`].
    pub command_line: &'a str,
}

/// Where the kernel's own symbols lie: both ranges are in available memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbols {
    /// ELF64 symbols, 24 bytes each.
    pub table: Range,
    /// The zero-ended names.
    pub strings: Range,
}

/// Everything the boot loader passed that the kernel uses. Texts still lie in the boot data.
#[derive(Clone, Debug)]
pub struct BootData<'a> {
    /// Where the boot data itself lies.
    pub own: Range,
    /// The kernel's command line, see [`crate::command_line::parse_kernel`]; empty where none was given.
    pub command_line: &'a str,
    /// The memory map as the firmware gave it: neither sorted nor free of overlaps.
    pub memory: List<MemoryRange, MAX_RANGES>,
    /// The modules in the order in which they were given: at least one, disjoint, each within available memory.
    pub modules: List<Module<'a>, MAX_MODULES>,
    /// The ACPI root pointer, the newest version passed.
    pub root_pointer: Option<RootPointer>,
    /// The kernel's symbols, where the loader passed them.
    pub symbols: Option<Symbols>,
}

impl<'a> BootData<'a> {
    /// Checks and takes apart the boot data in `bytes`, which lies at `physical`. `bytes` may be longer than the
    /// boot data says it is; nothing beyond its own length is read.
    ///
    /// # Errors
    /// The first thing that is malformed, contradictory, missing or too much.
    pub fn parse(bytes: &'a [u8], physical: u64) -> Result<Self, BootDataError> {
        let total = Fields::of(bytes).word(0).ok_or(BootDataError::TooShort { length: bytes.len() })?;
        let own = Range::of(physical, total.into()).ok_or(BootDataError::OwnAddress { physical })?;
        let mut data = Self {
            own,
            command_line: "",
            memory: List::new(),
            modules: List::new(),
            root_pointer: None,
            symbols: None,
        };
        let mut newest = false;
        for tag in tags(bytes, total)? {
            let (kind, fields) = tag?;
            match kind {
                TagType::Cmdline => data.command_line = fields.text(0).ok_or(BootDataError::CommandLineText)?,
                TagType::Module => data.take_module(fields)?,
                TagType::Mmap => data.take_memory(fields)?,
                TagType::ElfSections => data.symbols = sections::symbols(fields)?,
                TagType::AcpiV1 | TagType::AcpiV2 if !newest => {
                    data.root_pointer = Some(RootPointer::copy(fields.bytes()).ok_or(BootDataError::RootPointer)?);
                    newest = kind == TagType::AcpiV2;
                }
                _ => {}
            }
        }
        data.check()?;
        Ok(data)
    }

    /// The kernel's command line alone, as far as it can be found: it says where complaints about all else go.
    #[must_use]
    pub fn command_line_in(bytes: &'a [u8]) -> &'a str {
        let total = Fields::of(bytes).word(0).unwrap_or(0);
        let Ok(tags) = tags(bytes, total) else { return "" };
        let mut lines = tags.map_while(Result::ok).filter(|(kind, _)| *kind == TagType::Cmdline);
        lines.next().and_then(|(_, fields)| fields.text(0)).unwrap_or("")
    }

    /// Everything that the boot loader put into memory and that must not be overwritten: the boot data, the
    /// modules and the symbols. The kernel image is not among it: the loader does not say where it lies.
    pub fn occupied(&self) -> impl Iterator<Item = Range> + '_ {
        let symbols = self.symbols.iter().flat_map(|symbols| [symbols.table, symbols.strings]);
        self.modules.iter().map(|module| module.range).chain(symbols).chain([self.own])
    }

    fn take_module(&mut self, fields: Fields<'a>) -> Result<(), BootDataError> {
        let index = self.modules.len();
        let (Some(start), Some(end)) = (fields.word(0), fields.word(4)) else {
            return Err(BootDataError::TagTooShort { tag: "module" });
        };
        let range = Range { start: start.into(), end: end.into() };
        if range.length() == 0 {
            return Err(BootDataError::ModuleEmpty { index, range });
        }
        let command_line = fields.text(8).ok_or(BootDataError::ModuleText { index })?;
        if self.modules.push(Module { range, command_line }) { Ok(()) } else { Err(BootDataError::TooManyModules) }
    }

    fn take_memory(&mut self, fields: Fields<'a>) -> Result<(), BootDataError> {
        let entry_size = fields.word(0).and_then(|size| usize::try_from(size).ok());
        let entry_size = entry_size.ok_or(BootDataError::TagTooShort { tag: "memory map" })?;
        if entry_size < 24 || entry_size % 8 != 0 {
            return Err(BootDataError::MemoryEntrySize { size: entry_size });
        }
        for entry in fields.bytes().get(8..).unwrap_or(&[]).chunks_exact(entry_size) {
            let entry = Fields::of(entry);
            let (Some(start), Some(length), Some(kind)) = (entry.long(0), entry.long(8), entry.word(16)) else {
                continue; // cannot be: an entry has at least 24 bytes
            };
            // What lies beyond the physical limit cannot be used or harmed.
            let end =
                start.checked_add(length).ok_or(BootDataError::MemoryWraps { start, length })?.min(PHYSICAL_LIMIT);
            let available = MemoryAreaType::from(MemoryAreaTypeId::from(kind)) == MemoryAreaType::Available;
            if start < end && !self.add_memory(MemoryRange { range: Range { start, end }, available }) {
                return Err(BootDataError::TooManyRanges);
            }
        }
        Ok(())
    }

    /// Appends an entry, or extends the last one where it goes on in the same kind.
    fn add_memory(&mut self, new: MemoryRange) -> bool {
        match self.memory.as_mut_slice().last_mut() {
            Some(last) if last.available == new.available && last.range.end == new.range.start => {
                last.range.end = new.range.end;
                true
            }
            _ => self.memory.push(new),
        }
    }

    fn check(&mut self) -> Result<(), BootDataError> {
        if !self.memory.iter().any(|entry| entry.available) {
            return Err(BootDataError::NoMemory);
        }
        if self.modules.is_empty() {
            return Err(BootDataError::NoModules);
        }
        for (index, module) in self.modules.iter().enumerate() {
            if !self.in_memory(&module.range) {
                return Err(BootDataError::ModuleOutside { index, range: module.range });
            }
            if self.own.overlaps(&module.range) {
                return Err(BootDataError::ModuleOverBootData { index });
            }
            if let Some(other) = self.modules[..index].iter().position(|other| other.range.overlaps(&module.range)) {
                return Err(BootDataError::ModulesOverlap { first: other, second: index });
            }
        }
        // Symbols only make reports readable: without them the kernel still runs.
        self.symbols =
            self.symbols.filter(|symbols| self.in_memory(&symbols.table) && self.in_memory(&symbols.strings));
        Ok(())
    }

    /// True where one available entry covers the range and no entry of another kind touches it.
    fn in_memory(&self, range: &Range) -> bool {
        let covered = self.memory.iter().any(|entry| entry.available && entry.range.contains(range));
        covered && !self.memory.iter().any(|entry| !entry.available && entry.range.overlaps(range))
    }
}
