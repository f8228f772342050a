//! Links of /proc, which lead to files without a path between.

use crate::errno::{Errno, Result};
use crate::file::{File, Status};
use crate::fs::{Base, Follow, Inode, NodeFile, Place};
use crate::process::Process;
use crate::unix::Unix;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;

/// Which link of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Program,
    Current,
    Root,
    Descriptor(u32),
}

/// A file without a name, as a link of /proc leads to it: opening it is having what it is.
#[derive(Debug)]
pub(super) struct OpenedInode {
    file: Rc<dyn File>,
}

impl Inode for OpenedInode {
    fn status(&self) -> Status {
        self.file.status()
    }

    fn open(&self) -> Result<Option<Rc<dyn File>>> {
        Ok(Some(Rc::clone(&self.file)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Link {
    pub(super) const fn number(self) -> u64 {
        match self {
            Self::Program => 0x10,
            Self::Current => 0x11,
            Self::Root => 0x12,
            Self::Descriptor(number) => 0x1000 + number as u64,
        }
    }

    pub(super) fn place(self, unix: &Unix, process: &Process) -> Result<Place> {
        let leader = process.leader().ok_or(Errno::ENOENT)?;
        let directories = leader.directories.borrow();
        match self {
            Self::Current => Ok(directories.borrow().current.clone()),
            Self::Root => Ok(directories.borrow().root.clone()),
            Self::Program => {
                let credentials = Rc::clone(&leader.credentials.borrow());
                let (root, start) = (directories.borrow().root.clone(), directories.borrow().current.clone());
                let base = Base { credentials: &credentials, root, start };
                unix.names_of_files().find(&base, &process.program.borrow(), Follow::Yes)
            }
            Self::Descriptor(number) => {
                let description = leader.files().borrow().get(number.into()).cloned().map_err(|_| Errno::ENOENT)?;
                if let Some(node) = description.as_kind::<NodeFile>() {
                    return Ok(node.place().clone());
                }
                if let Some(place) = description.place() {
                    return Ok(place);
                }
                let inode = Rc::new(OpenedInode { file: Rc::clone(description.file()) });
                Ok(unix.names_of_files().root().with(inode))
            }
        }
    }

    /// What readlink(2) says.
    pub(super) fn path(self, unix: &Unix, process: &Process) -> Result<Vec<u8>> {
        if self == Self::Program {
            let path = process.program.borrow();
            return if path.is_empty() { Err(Errno::ENOENT) } else { Ok(path.to_vec()) };
        }
        if let Self::Descriptor(number) = self {
            let leader = process.leader().ok_or(Errno::ENOENT)?;
            let description = leader.files().borrow().get(number.into()).cloned().map_err(|_| Errno::ENOENT)?;
            return Ok(description_path(unix, &description));
        }
        let place = self.place(unix, process)?;
        let files = unix.names_of_files();
        files.path_of(&place, &files.root()).ok_or(Errno::ENOENT)
    }
}

/// What a descriptor is called.
fn description_path(unix: &Unix, description: &crate::file::Description) -> Vec<u8> {
    let status = description.file().status();
    let kind = match status.kind {
        crate::file::Kind::Fifo => "pipe",
        crate::file::Kind::Socket => "socket",
        crate::file::Kind::CharacterDevice if status.represents == crate::fs::number(5, 1) => {
            return b"/dev/console".to_vec();
        }
        _ => "anon_inode",
    };
    let place = description.as_kind::<NodeFile>().map(|node| node.place().clone()).or_else(|| description.place());
    if let Some(place) = place {
        return unix.names_of_files().path_of_file(&place).unwrap_or_else(|| b"/ (deleted)".to_vec());
    }
    alloc::format!("{kind}:[{}]", status.inode).into_bytes()
}
