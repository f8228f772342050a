//! /dev/pts: the slaves of pseudo terminals, each as long as its master is open.

use super::inode::{Entry, Inode, MetadataChange};
use crate::errno::{Errno, Result};
use crate::file::{Kind, Status};
use crate::terminal::Master;
use crate::unix::Unix;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;

/// The directory.
#[derive(Debug)]
struct Slaves(Weak<Unix>);

/// One of them.
#[derive(Debug)]
struct Slave {
    number: u32,
    unix: Weak<Unix>,
}

/// The root of the file system.
#[must_use]
pub fn root(unix: Weak<Unix>) -> Rc<dyn Inode> {
    Rc::new(Slaves(unix))
}

impl Slaves {
    fn numbers(&self) -> Vec<u32> {
        self.0.upgrade().map(|unix| unix.masters()).unwrap_or_default()
    }
}

impl Inode for Slaves {
    fn status(&self) -> Status {
        let device = super::number(0, 24);
        Status {
            kind: Kind::Directory,
            permissions: 0o755,
            device,
            inode: 1,
            links: 2,
            block_size: 1024,
            ..Status::default()
        }
    }

    fn look_up(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        let number = core::str::from_utf8(name).ok().and_then(|name| name.parse().ok()).ok_or(Errno::ENOENT)?;
        if !self.numbers().contains(&number) {
            return Err(Errno::ENOENT);
        }
        Ok(Rc::new(Slave { number, unix: Weak::clone(&self.0) }))
    }

    fn entries(&self, from: u64, visit: &mut dyn FnMut(Entry<'_>) -> bool) {
        let own = [(b".".to_vec(), 1), (b"..".to_vec(), 1)].map(|(name, inode)| (name, inode, Kind::Directory));
        let slaves = self
            .numbers()
            .into_iter()
            .map(|number| (alloc::format!("{number}").into_bytes(), u64::from(number) + 3, Kind::CharacterDevice));
        for (index, (name, inode, kind)) in own.into_iter().chain(slaves).enumerate().skip(from as usize) {
            if !visit(Entry { name: &name, next: index as u64 + 1, inode, kind }) {
                return;
            }
        }
    }

    fn identity(&self) -> Option<(u64, u64)> {
        Some((super::number(0, 24), 1))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Slave {
    fn master(&self) -> Option<Rc<Master>> {
        self.unix.upgrade()?.master(self.number)
    }
}

impl Inode for Slave {
    fn status(&self) -> Status {
        use crate::file::File as _;
        let gone = Status { kind: Kind::CharacterDevice, ..Status::default() };
        self.master().map_or(gone, |master| master.terminal().status())
    }

    fn change(&self, change: &MetadataChange) -> Result<()> {
        self.master().ok_or(Errno::EIO)?.terminal().change_status(change);
        Ok(())
    }

    fn identity(&self) -> Option<(u64, u64)> {
        Some((super::number(0, 24), u64::from(self.number) + 3))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
