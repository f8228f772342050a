//! Plans how a library OS's image is laid out in memory. Pure: it reads the file and decides, the loader copies.
//!
//! The image is the library OS's and so is every fault in it: whatever is odd is refused with a sentence. The plan
//! holds no address that the loader could not map as it stands, so the loader checks nothing again.

mod dynamic;
mod error;
mod headers;
mod relocations;

#[cfg(test)]
mod tests;

pub use error::ImageError;
pub use relocations::{Relocation, Relocations};

use elf::abi;
use elf::segment::ProgramHeader;
use exo_abi::layout::{FRAME_SIZE, PHYSICAL_WINDOW, STACK_TOP};

/// Most segments that are loaded.
pub const MAX_SEGMENTS: usize = 16;

/// The lower half that an image may use: not the page at 0, and not the last page, from which a system call's
/// return address would not be canonical.
const LOWER_HALF: (u64, u64) = (FRAME_SIZE, 0x0000_7fff_ffff_f000);
/// The upper half above the physical window and the initial stack, without the last page.
const UPPER_HALF: (u64, u64) = (STACK_TOP, 0xffff_ffff_ffff_f000);
const _: () = assert!(PHYSICAL_WINDOW < STACK_TOP);

/// What may be done with a segment's pages. Reading always may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rights {
    /// Read only.
    #[default]
    Read,
    /// Read and write.
    Write,
    /// Read and execute.
    Execute,
}

/// One segment at its final place. No page holds bytes of two segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment<'a> {
    /// First virtual address; need not be the first of a page.
    pub start: u64,
    /// The virtual address after the last.
    pub end: u64,
    /// The bytes from `start` on; what follows them is zero.
    pub bytes: &'a [u8],
    /// What may be done with the pages.
    pub rights: Rights,
}

/// One page of the image: `bytes` at `offset`, zeros everywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<'a> {
    /// Virtual address of the page's first byte.
    pub address: u64,
    /// What may be done with it.
    pub rights: Rights,
    /// Where in the page the bytes go.
    pub offset: usize,
    /// The file's bytes in this page; `offset` plus their number is at most a page.
    pub bytes: &'a [u8],
}

/// A checked plan of an image in memory.
#[derive(Clone, Debug)]
pub struct ImagePlan<'a> {
    segments: [Segment<'a>; MAX_SEGMENTS],
    count: usize,
    entry: u64,
    bias: u64,
    tables: dynamic::Tables<'a>,
}

/// Plans the image in `bytes`: an x86-64 ELF executable, either with fixed addresses or position-independent, which
/// is then put at `pie_base` (the beginning of a page). `size_limit` is the most bytes that it may span in memory.
///
/// # Errors
/// The first thing about the image that is odd.
pub fn plan(bytes: &[u8], pie_base: u64, size_limit: u64) -> Result<ImagePlan<'_>, ImageError> {
    let header = headers::header(bytes)?;
    let programs = headers::program_headers(bytes, &header)?;
    let mut plan = ImagePlan {
        segments: [Segment::default(); MAX_SEGMENTS],
        count: 0,
        entry: 0,
        bias: if header.e_type == abi::ET_DYN { headers::bias(programs, pie_base)? } else { 0 },
        tables: dynamic::Tables::default(),
    };
    for header in programs {
        match header.p_type {
            abi::PT_LOAD if header.p_memsz != 0 => plan.add(bytes, &header)?,
            abi::PT_INTERP => return Err(ImageError::Interpreter),
            _ => {}
        }
    }
    plan.check_layout(size_limit)?;
    plan.entry = header.e_entry.wrapping_add(plan.bias);
    let executable = |segment: &Segment<'_>| segment.rights == Rights::Execute && segment.holds(plan.entry, 1);
    if !plan.segments().iter().any(executable) {
        return Err(ImageError::Entry { address: plan.entry });
    }
    if let Some(dynamic) = programs.iter().find(|header| header.p_type == abi::PT_DYNAMIC) {
        plan.tables = dynamic::read(headers::file_bytes(bytes, &dynamic)?, &plan)?;
    }
    plan.tables.relocations(&plan).try_for_each(|relocation| relocation.map(drop))?;
    Ok(plan)
}

impl Segment<'_> {
    /// True where `length` bytes from `address` on are all in this segment.
    fn holds(&self, address: u64, length: u64) -> bool {
        address >= self.start && address.checked_add(length).is_some_and(|end| end <= self.end)
    }

    fn first_page(&self) -> u64 {
        self.start / FRAME_SIZE
    }

    fn last_page(&self) -> u64 {
        (self.end - 1) / FRAME_SIZE
    }
}

impl<'a> ImagePlan<'a> {
    /// The segments by address, at least one.
    #[must_use]
    pub fn segments(&self) -> &[Segment<'a>] {
        &self.segments[..self.count]
    }

    /// The virtual address of the first instruction.
    #[must_use]
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// The first virtual address of the image's first page.
    #[must_use]
    pub fn image_base(&self) -> u64 {
        self.segments[0].first_page() * FRAME_SIZE
    }

    /// Bytes from [`image_base`](Self::image_base) to the end of the last page.
    #[must_use]
    pub fn image_size(&self) -> u64 {
        self.page_count() * FRAME_SIZE
    }

    /// Pages from the first to the last, holes between segments included.
    #[must_use]
    pub fn page_count(&self) -> u64 {
        let last = self.segments().last().map_or(0, |segment| segment.last_page() + 1);
        last.saturating_sub(self.segments[0].first_page())
    }

    /// What page `index` of the image holds, from 0 at [`image_base`](Self::image_base); `None` for a hole and
    /// beyond the end.
    #[must_use]
    pub fn page(&self, index: u64) -> Option<Page<'a>> {
        let number = self.segments[0].first_page().checked_add(index)?;
        let mut segments = self.segments().iter();
        let segment = segments.find(|segment| (segment.first_page()..=segment.last_page()).contains(&number))?;
        let address = number * FRAME_SIZE;
        let start = address.max(segment.start);
        let skipped = usize::try_from(start - segment.start).ok()?;
        let offset = usize::try_from(start - address).ok()?;
        let rest = segment.bytes.get(skipped..).unwrap_or(&[]);
        let room = usize::try_from(FRAME_SIZE).ok()? - offset;
        Some(Page { address, rights: segment.rights, offset, bytes: &rest[..rest.len().min(room)] })
    }

    /// The words that must be written after the pages are filled: each is 8 bytes within one writable page.
    #[must_use]
    pub fn relocations(&self) -> Relocations<'_, 'a> {
        Relocations::checked(&self.tables, self)
    }

    /// Places one segment.
    fn add(&mut self, bytes: &'a [u8], header: &ProgramHeader) -> Result<(), ImageError> {
        let start = header.p_vaddr.wrapping_add(self.bias);
        let wrong = ImageError::SegmentPlace { address: start, size: header.p_memsz };
        let end = start.checked_add(header.p_memsz).ok_or(wrong)?;
        let within = |(low, high): (u64, u64)| low <= start && end <= high;
        if !within(LOWER_HALF) && !within(UPPER_HALF) {
            return Err(wrong);
        }
        let bytes = headers::file_bytes(bytes, header)?;
        if header.p_filesz > header.p_memsz {
            return Err(ImageError::SegmentSize { address: start });
        }
        let rights = match (header.p_flags & abi::PF_W != 0, header.p_flags & abi::PF_X != 0) {
            (true, true) => return Err(ImageError::WritableAndExecutable { address: start }),
            (true, false) => Rights::Write,
            (false, true) => Rights::Execute,
            (false, false) => Rights::Read,
        };
        let place = self.segments.get_mut(self.count).ok_or(ImageError::TooManySegments)?;
        *place = Segment { start, end, bytes, rights };
        self.count += 1;
        Ok(())
    }

    /// Sorts the segments and checks them together.
    fn check_layout(&mut self, size_limit: u64) -> Result<(), ImageError> {
        let segments = &mut self.segments[..self.count];
        segments.sort_unstable_by_key(|segment| segment.start);
        if segments.is_empty() {
            return Err(ImageError::NoSegments);
        }
        for pair in segments.windows(2) {
            if pair[0].last_page() >= pair[1].first_page() {
                return Err(ImageError::SegmentsShareAPage { first: pair[0].start, second: pair[1].start });
            }
        }
        let size = self.image_size();
        if size > size_limit { Err(ImageError::TooBig { size, limit: size_limit }) } else { Ok(()) }
    }

    /// The file's bytes of a segment that hold `length` bytes at `address`, if all of them are in the file.
    fn bytes_at(&self, address: u64, length: u64) -> Option<&'a [u8]> {
        let segment = self.segments().iter().find(|segment| segment.holds(address, length))?;
        let offset = usize::try_from(address - segment.start).ok()?;
        segment.bytes.get(offset..)?.get(..usize::try_from(length).ok()?)
    }

    /// The word at `address` before relocation: what of it is not in the file is zero.
    fn word_at(&self, address: u64) -> u64 {
        let mut word = [0; 8];
        for (byte, address) in word.iter_mut().zip(address..) {
            *byte = self.bytes_at(address, 1).map_or(0, |bytes| bytes[0]);
        }
        u64::from_le_bytes(word)
    }
}
