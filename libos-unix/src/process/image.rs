//! Programs: what an ELF file asks for, and an address space that is made so (System V ABI, chapter 5).

#[cfg(test)]
pub(super) mod tests;

use crate::errno::{Errno, Result};
use crate::file::File;
use crate::io::Filling;
use crate::memory::{AddressSpace, Backing, MapFlags, MapRequest, PAGE, Protection, USER_END, page_of, round_up};
use alloc::rc::Rc;
use alloc::vec::Vec;
use elf::abi::{EM_X86_64, ET_DYN, ET_EXEC, PF_R, PF_W, PF_X, PT_GNU_STACK, PT_INTERP, PT_LOAD, PT_PHDR};
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::segment::{ProgramHeader, SegmentTable};

/// Where a position-independent program goes, as on Linux where nothing is random.
const BASE: u64 = 0x5555_5555_4000;
/// Program headers that a file may have (Linux: a page of them, roughly).
const MOST_HEADERS: usize = 128;
/// Bytes of a path of an interpreter, at most.
const MOST_PATH: u64 = 4096;

/// The headers of a program.
#[derive(Debug)]
pub struct Image {
    file: Rc<dyn File>,
    /// It goes wherever there is room.
    is_relocatable: bool,
    entry: u64,
    headers_at: u64,
    header_bytes: u16,
    segments: Vec<ProgramHeader>,
    /// The program that is to load this one.
    pub interpreter: Option<Vec<u8>>,
}

/// Where a program has been put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// What was added to its addresses.
    pub bias: u64,
    /// Its first instruction.
    pub entry: u64,
    /// Its program headers, their size and number.
    pub headers: (u64, u64, u64),
    /// Code, data, and the end of both, where the heap begins.
    pub code: (u64, u64),
    /// Its data.
    pub data: (u64, u64),
    /// The highest address.
    pub end: u64,
}

/// Reads all of a slice, or fails as if it were no program.
fn read_all(file: &dyn File, offset: u64, into: &mut [u8]) -> Result<()> {
    let length = into.len();
    let mut done = 0;
    while done < length {
        match file.read(offset + done as u64, &mut Filling::new(&mut into[done..]))? {
            0 => return Err(Errno::ENOEXEC),
            count => done += count,
        }
    }
    Ok(())
}

impl Image {
    /// Reads the headers.
    ///
    /// # Errors
    /// ENOEXEC where it is no program for this machine.
    pub fn read(file: &Rc<dyn File>) -> Result<Self> {
        let mut bytes = [0; 64];
        read_all(&**file, 0, &mut bytes)?;
        let wrong = |_| Errno::ENOEXEC;
        let identity = parse_ident::<LittleEndian>(&bytes[..16]).map_err(wrong)?;
        if identity.1 != Class::ELF64 {
            return Err(Errno::ENOEXEC);
        }
        let header = FileHeader::parse_tail(identity, &bytes[16..]).map_err(wrong)?;
        let count = usize::from(header.e_phnum);
        let right = header.e_machine == EM_X86_64 && matches!(header.e_type, ET_EXEC | ET_DYN);
        if !right || header.e_phentsize != 56 || count == 0 || count > MOST_HEADERS {
            return Err(Errno::ENOEXEC);
        }
        let mut table = alloc::vec![0; count * 56];
        read_all(&**file, header.e_phoff, &mut table)?;
        let segments: Vec<ProgramHeader> = SegmentTable::new(LittleEndian, Class::ELF64, &table).iter().collect();
        let interpreter = segments.iter().find(|segment| segment.p_type == PT_INTERP);
        let interpreter = interpreter.map(|segment| read_path(&**file, segment)).transpose()?;
        let (entry, headers_at) = (header.e_entry, header.e_phoff);
        let is_relocatable = header.e_type == ET_DYN;
        let image =
            Self { file: Rc::clone(file), is_relocatable, entry, headers_at, header_bytes: 56, segments, interpreter };
        image.check()?;
        Ok(image)
    }

    fn loads(&self) -> impl Iterator<Item = &ProgramHeader> {
        self.segments.iter().filter(|segment| segment.p_type == PT_LOAD && segment.p_memsz != 0)
    }

    /// Whether the segments can be mapped at all.
    fn check(&self) -> Result<()> {
        let mut any = false;
        for segment in self.loads() {
            any = true;
            let end = segment.p_vaddr.checked_add(segment.p_memsz).filter(|&end| end <= USER_END);
            let congruent = segment.p_vaddr % PAGE == segment.p_offset % PAGE;
            let file_end = segment.p_offset.checked_add(segment.p_filesz);
            if end.is_none() || !congruent || segment.p_filesz > segment.p_memsz || file_end.is_none() {
                return Err(Errno::ENOEXEC);
            }
        }
        if any { Ok(()) } else { Err(Errno::ENOEXEC) }
    }

    /// Whether its stack is to be executable.
    #[must_use]
    pub fn wants_executable_stack(&self) -> bool {
        self.segments.iter().any(|segment| segment.p_type == PT_GNU_STACK && segment.p_flags & PF_X != 0)
    }

    /// Maps the program; `main` where it is not an interpreter.
    ///
    /// # Errors
    /// ENOMEM; ENOEXEC where segments are on each other.
    pub fn place(&self, space: &mut AddressSpace, main: bool) -> Result<Placed> {
        let lowest = self.loads().map(|segment| page_of(segment.p_vaddr)).min().ok_or(Errno::ENOEXEC)?;
        let highest = self.loads().map(|segment| segment.p_vaddr + segment.p_memsz).max().unwrap_or(lowest);
        let bytes = round_up(highest - lowest).ok_or(Errno::ENOEXEC)?;
        let bias = match (self.is_relocatable, main) {
            (false, _) => 0,
            (true, true) => BASE.wrapping_sub(lowest),
            (true, false) => space.room_for(bytes)?.wrapping_sub(lowest),
        };
        let mut placed = Placed { bias, entry: self.entry.wrapping_add(bias), ..Placed::default() };
        for segment in self.loads() {
            self.map(space, segment, bias)?;
            let start = segment.p_vaddr.wrapping_add(bias);
            let end = start + segment.p_filesz;
            let part = if segment.p_flags & PF_X != 0 { &mut placed.code } else { &mut placed.data };
            *part = if *part == (0, 0) { (start, end) } else { (part.0.min(start), part.1.max(end)) };
            placed.end = placed.end.max(start + segment.p_memsz);
        }
        placed.headers = (self.headers_address(bias), self.header_bytes.into(), self.segments.len() as u64);
        Ok(placed)
    }

    /// Where the program finds its own headers: where it says, or in the segment that has them.
    fn headers_address(&self, bias: u64) -> u64 {
        let own = self.segments.iter().find(|segment| segment.p_type == PT_PHDR).map(|segment| segment.p_vaddr);
        let holds = |segment: &&ProgramHeader| {
            segment.p_offset <= self.headers_at && self.headers_at - segment.p_offset < segment.p_filesz
        };
        let inside = || self.loads().find(holds).map(|each| each.p_vaddr + (self.headers_at - each.p_offset));
        own.or_else(inside).map_or(0, |address| address.wrapping_add(bias))
    }

    fn map(&self, space: &mut AddressSpace, segment: &ProgramHeader, bias: u64) -> Result<()> {
        let start = segment.p_vaddr.wrapping_add(bias);
        let (page, file_end, end) = (page_of(start), start + segment.p_filesz, start + segment.p_memsz);
        let mut protection = Protection::empty();
        protection.set(Protection::READ, segment.p_flags & PF_R != 0);
        protection.set(Protection::WRITE, segment.p_flags & PF_W != 0);
        protection.set(Protection::EXECUTE, segment.p_flags & PF_X != 0);
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        let most = Protection::all();
        let mut zeros_from = page;
        if segment.p_filesz != 0 {
            let backing = Backing::File(Rc::clone(&self.file), (segment.p_offset - start % PAGE) / PAGE);
            space.map(MapRequest { address: page, bytes: file_end - page, protection, most, flags, backing })?;
            zeros_from = round_up(file_end).ok_or(Errno::ENOMEM)?;
        }
        if end > zeros_from {
            let bytes = end - zeros_from;
            space.map(MapRequest { address: zeros_from, bytes, protection, most, flags, backing: Backing::Zeros })?;
        }
        if file_end % PAGE != 0 && end > file_end && protection.contains(Protection::WRITE) {
            // What the file has behind the segment in its last page is not the program's.
            let zeros = [0; PAGE as usize];
            let count = (zeros_from - file_end) as usize;
            if space.copy_in(file_end, &zeros[..count])? != count {
                return Err(Errno::ENOMEM);
            }
        }
        Ok(())
    }
}

fn read_path(file: &dyn File, segment: &ProgramHeader) -> Result<Vec<u8>> {
    if segment.p_filesz < 2 || segment.p_filesz > MOST_PATH {
        return Err(Errno::ENOEXEC);
    }
    let mut path = alloc::vec![0; segment.p_filesz as usize];
    read_all(file, segment.p_offset, &mut path)?;
    if path.pop() != Some(0) {
        return Err(Errno::ENOEXEC);
    }
    Ok(path)
}
