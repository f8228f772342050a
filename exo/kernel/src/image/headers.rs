//! The headers of an ELF file, read where they are.

use super::ImageError;
use elf::abi;
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::segment::{ProgramHeader, SegmentTable};
use exo_abi::layout::FRAME_SIZE;

const IDENT_SIZE: usize = 16;
const HEADER_SIZE: usize = 64;
const PROGRAM_HEADER_SIZE: usize = 56;

/// The file header of an x86-64 executable.
pub(super) fn header(bytes: &[u8]) -> Result<FileHeader<LittleEndian>, ImageError> {
    let ident = bytes.get(..IDENT_SIZE).ok_or(ImageError::NotElf)?;
    let tail = bytes.get(IDENT_SIZE..HEADER_SIZE).ok_or(ImageError::NotElf)?;
    let ident = parse_ident::<LittleEndian>(ident).map_err(|_| ImageError::NotElf)?;
    if ident.1 != Class::ELF64 {
        return Err(ImageError::NotX86);
    }
    let header = FileHeader::parse_tail(ident, tail).map_err(|_| ImageError::NotElf)?;
    if header.e_machine != abi::EM_X86_64 {
        return Err(ImageError::NotX86);
    }
    if header.e_type != abi::ET_EXEC && header.e_type != abi::ET_DYN {
        return Err(ImageError::NotExecutable { kind: header.e_type });
    }
    Ok(header)
}

/// The program headers, all of them within the file.
pub(super) fn program_headers<'a>(
    bytes: &'a [u8],
    header: &FileHeader<LittleEndian>,
) -> Result<SegmentTable<'a, LittleEndian>, ImageError> {
    if usize::from(header.e_phentsize) != PROGRAM_HEADER_SIZE {
        return Err(ImageError::ProgramHeaders);
    }
    let offset = usize::try_from(header.e_phoff).map_err(|_| ImageError::ProgramHeaders)?;
    let size = usize::from(header.e_phnum) * PROGRAM_HEADER_SIZE;
    let table = bytes.get(offset..).and_then(|rest| rest.get(..size)).ok_or(ImageError::ProgramHeaders)?;
    Ok(SegmentTable::new(LittleEndian, Class::ELF64, table))
}

/// How far a position-independent image moves: its lowest page goes to `pie_base`.
pub(super) fn bias(headers: SegmentTable<'_, LittleEndian>, pie_base: u64) -> Result<u64, ImageError> {
    let loaded = headers.iter().filter(|header| header.p_type == abi::PT_LOAD && header.p_memsz != 0);
    let lowest = loaded.map(|header| header.p_vaddr).min().ok_or(ImageError::NoSegments)?;
    if !pie_base.is_multiple_of(FRAME_SIZE) {
        return Err(ImageError::Base { base: pie_base });
    }
    Ok(pie_base.wrapping_sub(lowest / FRAME_SIZE * FRAME_SIZE))
}

/// What of the file a program header names.
pub(super) fn file_bytes<'a>(bytes: &'a [u8], header: &ProgramHeader) -> Result<&'a [u8], ImageError> {
    let outside = ImageError::OutsideFile { offset: header.p_offset, size: header.p_filesz };
    let (offset, size) = (usize::try_from(header.p_offset), usize::try_from(header.p_filesz));
    let (Ok(offset), Ok(size)) = (offset, size) else { return Err(outside) };
    if size == 0 {
        return Ok(&[]); // memory that begins as zeros has no place in the file, whatever the offset says
    }
    bytes.get(offset..).and_then(|rest| rest.get(..size)).ok_or(outside)
}
