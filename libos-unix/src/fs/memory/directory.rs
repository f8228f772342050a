//! Directories in memory: names, in an order that stays while others come and go.

use super::MemoryInode;
use crate::errno::{Errno, Result};
use crate::file::Kind;
use crate::fs::MOST_NAME;
use crate::fs::inode::{Entry, Inode};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};

/// What a directory holds.
#[derive(Debug, Default)]
pub(super) struct Entries {
    by_name: BTreeMap<Box<[u8]>, (u64, Rc<MemoryInode>)>,
    /// The order in which names came; readers go on behind the last that they have seen.
    by_place: BTreeMap<u64, Box<[u8]>>,
    last: u64,
    pub(super) parent: Weak<MemoryInode>,
}

/// "." and "..".
const OWN: u64 = 2;

impl Entries {
    pub(super) fn get(&self, name: &[u8]) -> Option<&Rc<MemoryInode>> {
        self.by_name.get(name).map(|(_, inode)| inode)
    }

    pub(super) fn count(&self) -> u64 {
        self.by_name.len() as u64
    }

    fn insert(&mut self, name: &[u8], inode: Rc<MemoryInode>) {
        self.last += 1;
        self.by_name.insert(name.into(), (self.last, inode));
        self.by_place.insert(self.last, name.into());
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Rc<MemoryInode>> {
        let (place, inode) = self.by_name.remove(name)?;
        self.by_place.remove(&place);
        Some(inode)
    }

    /// Has a name lead to another file.
    pub(super) fn replace(&mut self, name: &[u8], inode: Rc<MemoryInode>) -> Option<Rc<MemoryInode>> {
        let (_, place) = self.by_name.get_mut(name)?;
        Some(core::mem::replace(place, inode))
    }

    pub(super) fn visit(&self, from: u64, own: u64, parent: u64, visit: &mut dyn FnMut(Entry<'_>) -> bool) {
        let dots: [(&[u8], u64); 2] = [(b".", own), (b"..", parent)];
        for (index, (name, inode)) in dots.into_iter().enumerate().skip(from.min(OWN) as usize) {
            if !visit(Entry { name, next: index as u64 + 1, inode, kind: Kind::Directory }) {
                return;
            }
        }
        // The entry at place p has been seen by whoever goes on at p + 2.
        for (place, name) in self.by_place.range(from.saturating_sub(OWN) + 1..) {
            let Some(inode) = self.get(name) else { continue };
            let (number, kind) = (inode.status.get().inode, inode.kind());
            if !visit(Entry { name, next: place + OWN, inode: number, kind }) {
                return;
            }
        }
    }
}

impl MemoryInode {
    /// Gives a file a name here.
    pub(super) fn add(&self, name: &[u8], inode: &Rc<MemoryInode>) -> Result<()> {
        if name.len() > MOST_NAME {
            return Err(Errno::ENAMETOOLONG);
        }
        // Nothing comes into a directory that has no name any more.
        if self.links.get() == 0 {
            return Err(Errno::ENOENT);
        }
        if self.directory()?.borrow().get(name).is_some() {
            return Err(Errno::EEXIST);
        }
        self.system.take_name()?;
        if inode.is_directory() {
            // Its own ".", beside the name.
            inode.links.set(inode.links.get() + 1);
            self.links.set(self.links.get() + 1);
        }
        inode.links.set(inode.links.get() + 1);
        self.put(name, inode)?;
        self.touch();
        Ok(())
    }

    /// Puts a file under a name that is free, counting nothing.
    pub(super) fn put(&self, name: &[u8], inode: &Rc<MemoryInode>) -> Result<()> {
        if let Ok(inner) = inode.directory() {
            inner.borrow_mut().parent = Weak::clone(&self.me);
        }
        self.directory()?.borrow_mut().insert(name, Rc::clone(inode));
        Ok(())
    }

    /// A file has lost its name here.
    pub(super) fn lose(&self, inode: &MemoryInode) {
        if inode.is_directory() {
            inode.links.set(0);
            self.links.set(self.links.get() - 1);
        } else {
            inode.links.set(inode.links.get() - 1);
        }
        self.system.give_name();
        inode.touch_names();
    }

    /// Two names exchange what they lead to.
    pub(super) fn exchange(&self, old: &[u8], to: &MemoryInode, new: &[u8]) -> Result<()> {
        let one = Rc::clone(self.directory()?.borrow().get(old).ok_or(Errno::ENOENT)?);
        let other = Rc::clone(to.directory()?.borrow().get(new).ok_or(Errno::ENOENT)?);
        self.directory()?.borrow_mut().replace(old, Rc::clone(&other));
        to.directory()?.borrow_mut().replace(new, Rc::clone(&one));
        for (moved, from, here) in [(&one, self, to), (&other, to, self)] {
            if let Ok(inner) = moved.directory() {
                inner.borrow_mut().parent = Weak::clone(&here.me);
                from.links.set(from.links.get() - 1);
                here.links.set(here.links.get() + 1);
            }
            moved.touch_names();
        }
        self.touch();
        to.touch();
        Ok(())
    }
}
