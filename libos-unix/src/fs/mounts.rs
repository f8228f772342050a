//! Several file systems as one tree.

use super::inode::Inode;
use crate::errno::{Errno, Result};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

/// A file system and where it is mounted.
#[derive(Debug)]
pub struct Mount {
    /// Its root.
    pub root: Rc<dyn Inode>,
    /// The directory that it covers; `None` for the first.
    pub covers: Option<Place>,
    /// What kind it is, "tmpfs" for example.
    pub kind: &'static str,
    /// What it was mounted from.
    pub source: Vec<u8>,
}

/// A file, and the mount through which it was found.
#[derive(Clone, Debug)]
pub struct Place {
    /// The mount.
    pub mount: Rc<Mount>,
    /// The file.
    pub inode: Rc<dyn Inode>,
    /// The directory and the name under which it was found, where it is no directory itself.
    pub found: Option<Rc<(Place, Vec<u8>)>>,
}

/// Whether two inodes are the same file.
#[must_use]
pub fn is_same(one: &Rc<dyn Inode>, other: &Rc<dyn Inode>) -> bool {
    let known = || one.identity().is_some_and(|identity| other.identity() == Some(identity));
    core::ptr::addr_eq(Rc::as_ptr(one), Rc::as_ptr(other)) || known()
}

impl Place {
    /// Whether both are the same file, through the same mount.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.mount, &other.mount) && is_same(&self.inode, &other.inode)
    }

    /// Another file of the same mount.
    #[must_use]
    pub fn with(&self, inode: Rc<dyn Inode>) -> Self {
        Self { mount: Rc::clone(&self.mount), inode, found: None }
    }

    /// A file found in this directory under a name.
    #[must_use]
    pub fn named(&self, name: &[u8], inode: Rc<dyn Inode>) -> Self {
        let is_directory = inode.kind() == crate::file::Kind::Directory;
        let found = (!is_directory).then(|| Rc::new((self.clone(), name.to_vec())));
        Self { mount: Rc::clone(&self.mount), inode, found }
    }

    /// Whether it is where its mount begins.
    #[must_use]
    pub fn is_mount_root(&self) -> bool {
        is_same(&self.inode, &self.mount.root)
    }
}

/// All mounts.
#[derive(Debug)]
pub struct Namespace {
    mounts: RefCell<Vec<Rc<Mount>>>,
    root: Place,
}

impl Namespace {
    /// A namespace of one file system.
    #[must_use]
    pub fn new(root: Rc<dyn Inode>, kind: &'static str) -> Self {
        let mount = Rc::new(Mount { root: Rc::clone(&root), covers: None, kind, source: kind.as_bytes().to_vec() });
        let root = Place { mount: Rc::clone(&mount), inode: root, found: None };
        Self { mounts: RefCell::new(alloc::vec![mount]), root }
    }

    /// Its top.
    #[must_use]
    pub fn root(&self) -> Place {
        self.root.clone()
    }

    /// The mounts, in the order in which they came.
    #[must_use]
    pub fn mounts(&self) -> Vec<Rc<Mount>> {
        self.mounts.borrow().clone()
    }

    /// Mounts a file system on a directory.
    ///
    /// # Errors
    /// ENOTDIR.
    pub fn mount(&self, at: Place, root: Rc<dyn Inode>, kind: &'static str, source: &[u8]) -> Result<()> {
        if at.inode.kind() != crate::file::Kind::Directory {
            return Err(Errno::ENOTDIR);
        }
        let mount = Mount { root, covers: Some(at), kind, source: source.to_vec() };
        self.mounts.borrow_mut().push(Rc::new(mount));
        Ok(())
    }

    /// Takes a file system out of the tree. Who uses files of it keeps them.
    ///
    /// # Errors
    /// EINVAL where nothing is mounted there; EBUSY for the first, and where another is mounted inside.
    pub fn unmount(&self, at: &Place) -> Result<()> {
        if !at.is_mount_root() {
            return Err(Errno::EINVAL);
        }
        let mut mounts = self.mounts.borrow_mut();
        let inside = |mount: &Rc<Mount>| mount.covers.as_ref().is_some_and(|place| Rc::ptr_eq(&place.mount, &at.mount));
        if at.mount.covers.is_none() || mounts.iter().any(inside) {
            return Err(Errno::EBUSY);
        }
        mounts.retain(|mount| !Rc::ptr_eq(mount, &at.mount));
        Ok(())
    }

    /// What is seen at a place: the root of what is mounted there last, or the place itself.
    pub(super) fn uncover(&self, mut place: Place) -> Place {
        let mounts = self.mounts.borrow();
        if mounts.len() == 1 {
            return place;
        }
        while let Some(mount) =
            mounts.iter().rev().find(|mount| mount.covers.as_ref().is_some_and(|covered| covered.is(&place)))
        {
            place = Place { mount: Rc::clone(mount), inode: Rc::clone(&mount.root), found: None };
        }
        place
    }

    /// Whether something is mounted there, or a mount begins there.
    #[must_use]
    pub fn is_mount_point(&self, place: &Place) -> bool {
        let covers = |mount: &Rc<Mount>| mount.covers.as_ref().is_some_and(|covered| covered.is(place));
        place.is_mount_root() || self.mounts.borrow().iter().any(covers)
    }

    /// The directory above a place.
    pub(super) fn above(&self, place: &Place, root: &Place) -> Place {
        let mut place = place.clone();
        loop {
            if place.is(root) {
                return place;
            }
            if !place.is_mount_root() {
                break;
            }
            match &place.mount.covers {
                Some(covered) => place = covered.clone(),
                None => return place,
            }
        }
        let parent = place.inode.parent();
        parent.map_or_else(|| place.clone(), |parent| self.uncover(place.with(parent)))
    }

    /// The path of a directory, from a root; `None` where it cannot be reached from there.
    #[must_use]
    pub fn path_of(&self, place: &Place, root: &Place) -> Option<Vec<u8>> {
        let mut names: Vec<Vec<u8>> = Vec::new();
        let mut at = place.clone();
        while !at.is(root) {
            if at.is_mount_root() {
                at = at.mount.covers.clone()?;
                continue;
            }
            let parent = at.inode.parent()?;
            if is_same(&parent, &at.inode) {
                return None;
            }
            names.push(parent.name_of(&*at.inode)?);
            at = at.with(parent);
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        Some(if path.is_empty() { b"/".to_vec() } else { path })
    }

    /// The path of any file that still has a name in the directory in which it was found: of directories, and of those that a search finds.
    #[must_use]
    pub fn path_of_file(&self, place: &Place) -> Option<Vec<u8>> {
        if place.inode.kind() == crate::file::Kind::Directory {
            return self.path_of(place, &self.root);
        }
        let (parent, name) = place.found.as_deref()?;
        let mut path = self.path_of(parent, &self.root)?;
        if path.last() != Some(&b'/') {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        let there = parent.inode.look_up(name).is_ok_and(|inode| is_same(&inode, &place.inode));
        if !there {
            path.extend_from_slice(b" (deleted)");
        }
        Some(path)
    }
}
