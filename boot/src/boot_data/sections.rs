//! Finds the kernel's symbol table among the section headers that the loader passes on.

use super::error::BootDataError;
use super::tags::Fields;
use super::{Range, Symbols};

const SYMBOL_TABLE: u32 = 2;
const STRING_TABLE: u32 = 3;
const HEADER_SIZE: usize = 64;
const SYMBOL_SIZE: u64 = 24;

/// The first symbol table and its strings; `None` where there is none, or none of a 64-bit kernel.
pub(super) fn symbols(fields: Fields<'_>) -> Result<Option<Symbols>, BootDataError> {
    let short = BootDataError::TagTooShort { tag: "ELF sections" };
    let (Some(count), Some(entry_size)) = (fields.word(0), fields.word(4)) else {
        return Err(short);
    };
    if usize::try_from(entry_size) != Ok(HEADER_SIZE) {
        return Ok(None);
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let size = count.checked_mul(HEADER_SIZE);
    let headers = size.and_then(|size| fields.bytes().get(12..)?.get(..size)).ok_or(short)?;
    let header = |index: usize| headers.chunks_exact(HEADER_SIZE).nth(index).map(Fields::of);
    let table = headers.chunks_exact(HEADER_SIZE).map(Fields::of).find(|header| header.word(4) == Some(SYMBOL_TABLE));
    Ok(table.and_then(|table| {
        let strings = header(usize::try_from(table.word(40)?).ok()?)?;
        let whole = table.long(56)? == SYMBOL_SIZE && strings.word(4)? == STRING_TABLE;
        let symbols = Symbols { table: place(table)?, strings: place(strings)? };
        whole.then_some(symbols)
    }))
}

/// Where the loader put a section.
fn place(header: Fields<'_>) -> Option<Range> {
    Range::of(header.long(16)?, header.long(32)?).filter(|range| range.start != 0 && range.length() != 0)
}
