//! /proc (proc(5)): what the system says of itself and its processes, as files that are made when they are read.

mod link;
mod process;
mod system;
mod text;

use super::inode::{Entry, Inode};
use super::{Place, number};
use crate::clock::realtime;
use crate::errno::{Errno, Result};
use crate::file::{File, Kind, Status};
use crate::process::Process;
use crate::unix::Unix;
use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use text::TextFile;

/// The number that is /proc's as a device.
const DEVICE: u64 = number(0, 21);

/// The root of a /proc of a system.
#[must_use]
pub fn root(system: Weak<Unix>) -> Rc<dyn Inode> {
    Rc::new(Node { system, what: What::Root })
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Root,
    /// A file of the system's, by its place in the table.
    System(usize),
    /// Directories of sysctl(8): how many of the names of that file's path.
    Setting(usize, usize),
    Own,
    Process(u32),
    /// A file of a process's, by its place in the table.
    ProcessFile(u32, usize),
    Link(u32, link::Link),
    Descriptors(u32),
    Tasks(u32),
}

/// A file.
#[derive(Debug)]
struct Node {
    system: Weak<Unix>,
    what: What,
}

impl Node {
    fn unix(&self) -> Result<Rc<Unix>> {
        self.system.upgrade().ok_or(Errno::ENOENT)
    }

    fn node(&self, what: What) -> Rc<dyn Inode> {
        Rc::new(Self { system: Weak::clone(&self.system), what })
    }

    fn process(&self, id: u32) -> Result<Rc<Process>> {
        let unix = self.unix()?;
        let thread = || unix.thread(id).map(|thread| Rc::clone(&thread.process));
        unix.process(id).or_else(thread).ok_or(Errno::ENOENT)
    }

    /// A number that is this file's alone.
    fn number(&self) -> u64 {
        match &self.what {
            What::Root => 1,
            What::Own => 2,
            What::System(index) => 0x100 + *index as u64,
            What::Setting(index, depth) => 0x1000 + ((*index as u64) << 4) + *depth as u64,
            What::Process(id) => u64::from(*id) << 20,
            What::ProcessFile(id, index) => (u64::from(*id) << 20) + 0x100 + *index as u64,
            What::Descriptors(id) => (u64::from(*id) << 20) + 1,
            What::Tasks(id) => (u64::from(*id) << 20) + 2,
            What::Link(id, link) => (u64::from(*id) << 20) + link.number(),
        }
    }

    fn file_kind(&self) -> Kind {
        match &self.what {
            What::System(_) | What::ProcessFile(..) => Kind::Regular,
            What::Own | What::Link(..) => Kind::Link,
            _ => Kind::Directory,
        }
    }

    /// Names in this directory, and what they are.
    fn children(&self) -> Vec<(Vec<u8>, What)> {
        match &self.what {
            What::Root => self.in_root(),
            What::Setting(index, depth) => system::settings_in(*index, *depth),
            What::Process(id) => process::in_process(*id),
            What::Descriptors(id) => self.open_descriptors(*id),
            What::Tasks(id) => {
                let threads = self.process(*id).map(|process| process.threads.borrow().clone()).unwrap_or_default();
                threads.iter().map(|thread| (decimal(thread.id()), What::Process(thread.id()))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn in_root(&self) -> Vec<(Vec<u8>, What)> {
        let mut names = system::in_root();
        names.push((b"self".to_vec(), What::Own));
        if let Ok(unix) = self.unix() {
            names.extend(unix.processes.borrow().keys().map(|&id| (decimal(id), What::Process(id))));
        }
        names
    }

    fn open_descriptors(&self, id: u32) -> Vec<(Vec<u8>, What)> {
        let leader = self.process(id).ok().and_then(|process| process.leader());
        let Some(leader) = leader else { return Vec::new() };
        let files = leader.files();
        let numbers: Vec<u64> = files.borrow().numbers().collect();
        let link = |number: u64| What::Link(id, link::Link::Descriptor(number as u32));
        numbers.into_iter().map(|number| (decimal(number as u32), link(number))).collect()
    }

    fn text(&self) -> Result<Vec<u8>> {
        match &self.what {
            What::System(index) => {
                let unix = self.unix()?;
                system::text(&unix, *index)
            }
            What::ProcessFile(id, index) => {
                let (unix, process) = (self.unix()?, self.process(*id)?);
                process::text(&unix, &process, *index)
            }
            _ => Err(Errno::EISDIR),
        }
    }
}

/// A number as text.
fn decimal(number: u32) -> Vec<u8> {
    alloc::format!("{number}").into_bytes()
}

impl Inode for Node {
    fn make(&self, _name: &[u8], _new: &crate::fs::New) -> Result<Rc<dyn Inode>> {
        // Linux has no such operation here, and says that the name is not there.
        Err(Errno::ENOENT)
    }

    fn status(&self) -> Status {
        let now = realtime();
        let kind = self.file_kind();
        let (permissions, links) = match kind {
            Kind::Directory => (0o555, 2),
            Kind::Link => (0o777, 1),
            _ => (0o444, 1),
        };
        let user = match &self.what {
            What::Process(id) => self.process(*id).map_or(0, |process| process.user.get()),
            _ => 0,
        };
        Status {
            device: DEVICE,
            inode: self.number(),
            kind,
            permissions,
            links,
            user,
            block_size: 1024,
            accessed: now,
            modified: now,
            changed: now,
            created: now,
            ..Status::default()
        }
    }

    fn kind(&self) -> Kind {
        self.file_kind()
    }

    fn look_up(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        let id = || core::str::from_utf8(name).ok().and_then(|text| text.parse::<u32>().ok());
        match &self.what {
            // Threads are there too, though nobody sees them listed.
            What::Root if id().is_some() => {
                let id = id().ok_or(Errno::ENOENT)?;
                self.process(id).map(|_| self.node(What::Process(id)))
            }
            _ => {
                let found = self.children().into_iter().find(|(each, _)| each == name);
                found.map(|(_, what)| self.node(what)).ok_or(Errno::ENOENT)
            }
        }
    }

    fn parent(&self) -> Option<Rc<dyn Inode>> {
        let above = match &self.what {
            What::Descriptors(id) | What::Tasks(id) | What::ProcessFile(id, _) | What::Link(id, _) => {
                What::Process(*id)
            }
            What::Setting(index, depth) if *depth > 1 => What::Setting(*index, depth - 1),
            _ => What::Root,
        };
        Some(self.node(above))
    }

    fn entries(&self, from: u64, visit: &mut dyn FnMut(Entry<'_>) -> bool) {
        let dots = [(b".".to_vec(), self.what.clone()), (b"..".to_vec(), What::Root)];
        let all = dots.into_iter().chain(self.children());
        for (index, (name, what)) in all.enumerate().skip(from as usize) {
            let node = Self { system: Weak::clone(&self.system), what };
            let entry = Entry { name: &name, next: index as u64 + 1, inode: node.number(), kind: node.file_kind() };
            if !visit(entry) {
                return;
            }
        }
    }

    fn read_link(&self) -> Result<Vec<u8>> {
        match &self.what {
            What::Own => {
                let current = self.unix()?.current().ok_or(Errno::ENOENT)?;
                Ok(decimal(current.process.id))
            }
            What::Link(id, link) => {
                let (unix, process) = (self.unix()?, self.process(*id)?);
                link.path(&unix, &process)
            }
            _ => Err(Errno::EINVAL),
        }
    }

    fn jump(&self) -> Option<Result<Place>> {
        match &self.what {
            What::Link(id, link) => {
                let unix = self.unix();
                Some(unix.and_then(|unix| {
                    let process = self.process(*id)?;
                    link.place(&unix, &process)
                }))
            }
            _ => None,
        }
    }

    fn open(&self) -> Result<Option<Rc<dyn File>>> {
        if self.file_kind() != Kind::Regular {
            return Ok(None);
        }
        let node = Self { system: Weak::clone(&self.system), what: self.what.clone() };
        Ok(Some(Rc::new(TextFile::new(Box::new(move || node.text()), self.status())?)))
    }

    fn identity(&self) -> Option<(u64, u64)> {
        Some((DEVICE, self.number()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
