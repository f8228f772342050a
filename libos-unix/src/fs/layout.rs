//! What programs see of a file's status: struct stat, statx and statfs (Linux, `include/uapi`).

use super::device;
use crate::file::Status;
use zerocopy::{FromZeros, Immutable, IntoBytes};

/// struct stat of x86-64.
#[derive(Clone, Copy, Debug, FromZeros, IntoBytes, Immutable)]
#[repr(C)]
pub struct Stat {
    device: u64,
    inode: u64,
    links: u64,
    mode: u32,
    user: u32,
    group: u32,
    padding: u32,
    represents: u64,
    size: u64,
    block_size: u64,
    blocks: u64,
    accessed: [u64; 2],
    modified: [u64; 2],
    changed: [u64; 2],
    reserved: [u64; 3],
}

const _: () = assert!(size_of::<Stat>() == 144 && size_of::<Statx>() == 256);

/// A status as stat(2) has it.
#[must_use]
pub fn encode_stat(status: &Status) -> Stat {
    let time = |time: crate::file::Timestamp| [time.seconds.cast_unsigned(), time.nanoseconds.into()];
    Stat {
        device: status.device,
        inode: status.inode,
        links: status.links,
        mode: status.mode(),
        user: status.user,
        group: status.group,
        padding: 0,
        represents: status.represents,
        size: status.size,
        block_size: status.block_size.into(),
        blocks: status.blocks,
        accessed: time(status.accessed),
        modified: time(status.modified),
        changed: time(status.changed),
        reserved: [0; 3],
    }
}

/// struct statx.
#[derive(Clone, Copy, Debug, FromZeros, IntoBytes, Immutable)]
#[repr(C)]
pub struct Statx {
    mask: u32,
    block_size: u32,
    attributes: u64,
    links: u32,
    user: u32,
    group: u32,
    mode: u16,
    padding: u16,
    inode: u64,
    size: u64,
    blocks: u64,
    attributes_mask: u64,
    accessed: [u64; 2],
    created: [u64; 2],
    changed: [u64; 2],
    modified: [u64; 2],
    represents: [u32; 2],
    device: [u32; 2],
    reserved: [u64; 14],
}

/// STATX_BASIC_STATS and STATX_BTIME.
const ALL: u32 = 0xfff;

/// A status as statx(2) has it.
#[must_use]
pub fn encode_statx(status: &Status) -> Statx {
    let time = |time: crate::file::Timestamp| [time.seconds.cast_unsigned(), time.nanoseconds.into()];
    let numbers = |number: u64| {
        let (major, minor) = device(number);
        [major, minor]
    };
    Statx {
        mask: ALL,
        block_size: status.block_size,
        links: status.links as u32,
        user: status.user,
        group: status.group,
        mode: status.mode() as u16,
        inode: status.inode,
        size: status.size,
        blocks: status.blocks,
        accessed: time(status.accessed),
        created: time(status.created),
        changed: time(status.changed),
        modified: time(status.modified),
        represents: numbers(status.represents),
        device: numbers(status.device),
        ..Statx::new_zeroed()
    }
}

/// struct statfs of a file system in memory, in words: kind, block size, blocks, free, available, files, free files, two words of a number,
/// longest name, fragment size, flags.
#[must_use]
pub fn encode_statfs(magic: u64, blocks: u64, free: u64) -> [u64; 15] {
    let mut words = [0; 15];
    words[..12].copy_from_slice(&[magic, 4096, blocks, free, free, blocks, free, 0, 255, 4096, 0x20, 0]);
    words
}
