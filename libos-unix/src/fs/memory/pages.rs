//! Content of files in memory: frames, and holes where there are none.

use super::{MOST_BYTES, MemoryFileSystem};
use crate::errno::{Errno, Result};
use crate::fs::inode::SeekTo;
use crate::io::{Destination, Source};
use crate::memory::Frame;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry as Place;
use alloc::vec::Vec;
use core::cell::RefCell;

const PAGE: u64 = 4096;

/// The pages of a file.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pages: BTreeMap<u64, Frame>,
    size: u64,
}

/// Where an offset is: page, offset in it, bytes to its end.
const fn split(offset: u64) -> (u64, usize, usize) {
    let inside = (offset % PAGE) as usize;
    (offset / PAGE, inside, PAGE as usize - inside)
}

impl Pages {
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn count(&self) -> u64 {
        self.pages.len() as u64
    }

    /// Reads. The pages are borrowed only to find each: where the bytes go to may be a mapping of the same file.
    pub(super) fn read(pages: &RefCell<Self>, offset: u64, to: &mut dyn Destination) -> Result<usize> {
        const ZEROS: [u8; 512] = [0; 512];
        let mut done = 0;
        while to.remaining() != 0 {
            let at = offset + done as u64;
            let size = pages.borrow().size;
            if at >= size {
                break;
            }
            let (page, inside, rest) = split(at);
            let part = rest.min(usize::try_from(size - at).unwrap_or(rest)).min(to.remaining());
            let frame = pages.borrow().pages.get(&page).cloned();
            let copied = match frame {
                Some(frame) => to.put_frame(&frame, inside, part),
                None => to.put(&ZEROS[..part.min(ZEROS.len())]),
            };
            match copied {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// The frame of a page, which is there afterwards.
    fn frame(&mut self, system: &MemoryFileSystem, page: u64) -> Result<&Frame> {
        match self.pages.entry(page) {
            Place::Occupied(there) => Ok(there.into_mut()),
            Place::Vacant(place) => {
                system.take()?;
                match Frame::zeroed() {
                    Ok(frame) => Ok(place.insert(frame)),
                    Err(_) => {
                        system.give(1);
                        Err(Errno::ENOSPC)
                    }
                }
            }
        }
    }

    /// Writes, borrowing as [`read`](Self::read) does.
    pub(super) fn write(
        pages: &RefCell<Self>,
        system: &MemoryFileSystem,
        offset: u64,
        from: &mut dyn Source,
    ) -> Result<usize> {
        let mut done = 0;
        while from.remaining() != 0 {
            let at = offset.checked_add(done as u64).filter(|&at| at < MOST_BYTES);
            let Some(at) = at else {
                return if done == 0 { Err(Errno::EFBIG) } else { Ok(done) };
            };
            let (page, inside, rest) = split(at);
            let part = rest.min(from.remaining());
            let frame = pages.borrow_mut().frame(system, page).cloned();
            match frame.and_then(|frame| from.take_frame(&frame, inside, part)) {
                Ok(count) => {
                    done += count;
                    let mut pages = pages.borrow_mut();
                    pages.size = pages.size.max(at + count as u64);
                    if count < part {
                        break;
                    }
                }
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// Makes the file as long as wanted; how many frames were freed.
    pub(super) fn truncate(&mut self, size: u64) -> u64 {
        let mut freed = 0;
        if size < self.size {
            freed = self.drop_pages(size.div_ceil(PAGE)..u64::MAX);
            let (page, inside, rest) = split(size);
            if inside != 0
                && let Some(frame) = self.pages.get(&page)
            {
                frame.clear(inside, rest);
            }
        }
        self.size = size;
        freed
    }

    fn drop_pages(&mut self, range: core::ops::Range<u64>) -> u64 {
        let pages: Vec<u64> = self.pages.range(range).map(|(&page, _)| page).collect();
        pages.iter().for_each(|page| drop(self.pages.remove(page)));
        pages.len() as u64
    }

    /// Makes a range zeros; how many frames were freed.
    pub(super) fn punch(&mut self, start: u64, end: u64) -> u64 {
        let mut at = start;
        while at < end {
            let (page, inside, rest) = split(at);
            let part = (rest as u64).min(end - at);
            if part < PAGE
                && let Some(frame) = self.pages.get(&page)
            {
                frame.clear(inside, part as usize);
            }
            let whole = end / PAGE * PAGE;
            // Over the whole pages in one step.
            at = if inside == 0 && whole > at { whole } else { at + part };
        }
        self.drop_pages(start.div_ceil(PAGE)..end / PAGE)
    }

    pub(super) fn reserve(&mut self, system: &MemoryFileSystem, start: u64, end: u64) -> Result<()> {
        let mut made = Vec::new();
        for page in start / PAGE..end.div_ceil(PAGE) {
            if self.pages.contains_key(&page) {
                continue;
            }
            if let Err(error) = self.frame(system, page) {
                made.iter().for_each(|page| drop(self.pages.remove(page)));
                system.give(made.len() as u64);
                return Err(error);
            }
            made.push(page);
        }
        Ok(())
    }

    pub(super) fn page(&mut self, system: &MemoryFileSystem, index: u64) -> Result<Option<Frame>> {
        if index >= self.size.div_ceil(PAGE) {
            return Ok(None);
        }
        Ok(Some(self.frame(system, index)?.clone()))
    }

    pub(super) fn seek(&self, offset: u64, to: SeekTo) -> Result<u64> {
        if offset >= self.size {
            return Err(Errno::ENXIO);
        }
        let page = offset / PAGE;
        match to {
            SeekTo::Data => {
                let next = self.pages.range(page..).next().map(|(&next, _)| (next * PAGE).max(offset));
                next.filter(|&next| next < self.size).ok_or(Errno::ENXIO)
            }
            SeekTo::Hole => {
                let mut hole = page;
                while self.pages.contains_key(&hole) {
                    hole += 1;
                }
                Ok((hole * PAGE).max(offset).min(self.size))
            }
        }
    }
}
