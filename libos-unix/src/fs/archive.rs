//! The root file system comes as an archive: cpio "newc", as Linux takes it for an initramfs
//! (Documentation/driver-api/early-userspace/buffer-format.rst).

#[cfg(test)]
mod tests;

use super::inode::{Inode, MetadataChange, New};
use super::{MOST_NAME, number};
use crate::errno::Errno;
use crate::file::{Kind, Timestamp};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;

/// Bytes of a header.
const HEADER: usize = 110;
/// Bytes of a path, at most.
const MOST_PATH: usize = 4096;

/// Why an archive cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveError {
    /// It ends in the middle of something.
    Short(usize),
    /// What is there is no header.
    NoHeader(usize),
    /// A name is empty, too long, or leads out of the tree.
    BadName(usize),
    /// Something cannot be made.
    Cannot(usize, Errno),
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(at) => write!(f, "the archive ends in the entry at byte {at}"),
            Self::NoHeader(at) => write!(f, "byte {at} of the archive is no header of the format newc"),
            Self::BadName(at) => write!(f, "the entry at byte {at} of the archive has a name that cannot be used"),
            Self::Cannot(at, error) => write!(f, "the entry at byte {at} of the archive cannot be made: {error}"),
        }
    }
}

impl core::error::Error for ArchiveError {}

/// The numbers of a header.
#[derive(Clone, Copy, Debug)]
struct Header {
    inode: u32,
    mode: u32,
    user: u32,
    group: u32,
    links: u32,
    modified: u32,
    size: usize,
    device: u32,
    minor: u32,
    represents: (u32, u32),
    name_bytes: usize,
}

fn header(bytes: &[u8], at: usize) -> Result<Header, ArchiveError> {
    let raw = bytes.get(at..).and_then(|rest| rest.get(..HEADER)).ok_or(ArchiveError::Short(at))?;
    if !raw.starts_with(b"070701") && !raw.starts_with(b"070702") {
        return Err(ArchiveError::NoHeader(at));
    }
    let mut fields = [0; 13];
    for (field, digits) in fields.iter_mut().zip(raw[6..].chunks_exact(8)) {
        let text = core::str::from_utf8(digits).map_err(|_| ArchiveError::NoHeader(at))?;
        *field = u32::from_str_radix(text, 16).map_err(|_| ArchiveError::NoHeader(at))?;
    }
    let [inode, mode, user, group, links, modified, size, device, minor, major_of, minor_of, name_bytes, _] = fields;
    let represents = (major_of, minor_of);
    let (size, name_bytes) = (size as usize, name_bytes as usize);
    Ok(Header { inode, mode, user, group, links, modified, size, device, minor, represents, name_bytes })
}

const fn kind(mode: u32) -> Option<Kind> {
    match mode & 0o170_000 {
        0o010_000 => Some(Kind::Fifo),
        0o020_000 => Some(Kind::CharacterDevice),
        0o040_000 => Some(Kind::Directory),
        0o060_000 => Some(Kind::BlockDevice),
        0o100_000 => Some(Kind::Regular),
        0o120_000 => Some(Kind::Link),
        0o140_000 => Some(Kind::Socket),
        _ => None,
    }
}

/// Fills a directory with what an archive holds. `passed` is told how many bytes are not needed any more; how many files there are.
///
/// # Errors
/// [`ArchiveError`]; what came before stays.
pub fn unpack(bytes: &[u8], root: &Rc<dyn Inode>, mut passed: impl FnMut(usize)) -> Result<usize, ArchiveError> {
    let (mut at, mut files) = (0, 0);
    let mut known: BTreeMap<(u32, u32, u32), Rc<dyn Inode>> = BTreeMap::new();
    loop {
        let begin = at;
        let header = header(bytes, at)?;
        at += HEADER;
        let end = at.checked_add(header.name_bytes).ok_or(ArchiveError::Short(begin))?;
        let name = bytes.get(at..end).ok_or(ArchiveError::Short(begin))?;
        at = end.checked_next_multiple_of(4).ok_or(ArchiveError::Short(begin))?;
        let name = name.strip_suffix(&[0]).ok_or(ArchiveError::BadName(begin))?;
        if name == b"TRAILER!!!" {
            return Ok(files);
        }
        let end = at.checked_add(header.size).ok_or(ArchiveError::Short(begin))?;
        let content = bytes.get(at..end).ok_or(ArchiveError::Short(begin))?;
        at = end.checked_next_multiple_of(4).ok_or(ArchiveError::Short(begin))?;
        let made = make(root, &header, name, content, &mut known);
        made.map_err(|wrong| wrong.at(begin))?;
        files += 1;
        passed(at.min(bytes.len()));
    }
}

/// What went wrong with one entry.
enum Wrong {
    Name,
    Cannot(Errno),
}

impl Wrong {
    const fn at(self, at: usize) -> ArchiveError {
        match self {
            Self::Name => ArchiveError::BadName(at),
            Self::Cannot(error) => ArchiveError::Cannot(at, error),
        }
    }
}

impl From<Errno> for Wrong {
    fn from(error: Errno) -> Self {
        Self::Cannot(error)
    }
}

/// The directory that a path is in, made where it is missing, and the last name.
fn parent<'p>(root: &Rc<dyn Inode>, path: &'p [u8]) -> Result<(Rc<dyn Inode>, &'p [u8]), Wrong> {
    let names: Vec<&[u8]> = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty() && *name != b".").collect();
    let wrong = |name: &&[u8]| *name == b".." || name.len() > MOST_NAME || name.contains(&0);
    let Some((last, above)) = names.split_last() else { return Ok((Rc::clone(root), b"")) };
    if path.len() > MOST_PATH || names.iter().any(wrong) {
        return Err(Wrong::Name);
    }
    let mut at = Rc::clone(root);
    for name in above {
        at = match at.look_up(name) {
            Ok(inode) => inode,
            Err(Errno::ENOENT) => at.make(name, &new(Kind::Directory, 0o755))?,
            Err(error) => return Err(error.into()),
        };
    }
    Ok((at, last))
}

const fn new(kind: Kind, permissions: u32) -> New {
    New { kind, permissions, user: 0, group: 0, represents: 0, target: Vec::new() }
}

fn make(
    root: &Rc<dyn Inode>,
    header: &Header,
    path: &[u8],
    content: &[u8],
    known: &mut BTreeMap<(u32, u32, u32), Rc<dyn Inode>>,
) -> Result<(), Wrong> {
    let (directory, name) = parent(root, path)?;
    let kind = kind(header.mode).ok_or(Wrong::Name)?;
    let metadata = MetadataChange {
        permissions: Some(header.mode & 0o7777),
        user: Some(header.user),
        group: Some(header.group),
        accessed: None,
        modified: Some(Timestamp { seconds: header.modified.into(), nanoseconds: 0 }),
    };
    if name.is_empty() {
        return Ok(root.change(&metadata)?);
    }
    let key = (header.device, header.minor, header.inode);
    let other_name = if header.links > 1 && kind != Kind::Directory { known.get(&key) } else { None };
    let existing = directory.look_up(name).ok();
    let inode = match (existing, other_name) {
        (Some(existing), _) if kind == Kind::Directory && existing.kind() == Kind::Directory => existing,
        (Some(_), _) => return Err(Errno::EEXIST.into()),
        (None, Some(inode)) => {
            directory.link(name, inode)?;
            Rc::clone(inode)
        }
        (None, None) => {
            let represents = number(header.represents.0, header.represents.1);
            let target = if kind == Kind::Link { content.to_vec() } else { Vec::new() };
            directory.make(name, &New { represents, target, ..new(kind, header.mode & 0o7777) })?
        }
    };
    if kind == Kind::Regular && !content.is_empty() {
        let mut source = content;
        while !source.is_empty() {
            let offset = (content.len() - source.len()) as u64;
            if inode.write(offset, &mut source)? == 0 {
                return Err(Errno::ENOSPC.into());
            }
        }
    }
    inode.change(&metadata)?;
    known.insert(key, inode);
    Ok(())
}
