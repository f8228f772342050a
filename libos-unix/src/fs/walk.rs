//! From a path to a file (path_resolution(7)).

use super::permission::{Access, check};
use super::{MOST_NAME, Namespace, Place};
use crate::errno::{Errno, Result};
use crate::file::{Credentials, Kind};
use alloc::vec::Vec;

/// Links that one path may lead through.
const MOST_LINKS: usize = 40;
/// Bytes of a path, with the zero at its end.
const MOST_PATH: usize = 4096;

/// Where a path begins, and who walks.
#[derive(Clone, Debug)]
pub struct Base<'b> {
    /// Who.
    pub credentials: &'b Credentials,
    /// Where "/" is, and ".." ends.
    pub root: Place,
    /// Where a relative path begins.
    pub start: Place,
}

/// Nobody in particular, who may everything.
const ROOT: &Credentials = &Credentials { user: [0; 4], group: [0; 4], groups: None };

impl Base<'_> {
    /// The library OS's own way, from the top.
    #[must_use]
    pub fn of_root(names: &Namespace) -> Self {
        Self { credentials: ROOT, root: names.root(), start: names.root() }
    }
}

/// What becomes of a link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It is the file that it leads to.
    Yes,
    /// It is itself, unless a slash behind it says that a directory is meant.
    No,
    /// It is itself: what has a name is made, moved or removed.
    Never,
}

/// Where a path has led.
#[derive(Clone, Debug)]
pub(super) struct Walked {
    /// The directory in which the last name is.
    pub(super) parent: Place,
    /// The last name; `None` where the path ends in "/", "." or "..", or leads there.
    pub(super) name: Option<Vec<u8>>,
    /// What is there, if anything.
    pub(super) found: Option<Place>,
    /// The path wants a directory: it ends with a slash.
    pub(super) wants_directory: bool,
}

impl Walked {
    /// What is there.
    pub(super) fn existing(self) -> Result<Place> {
        self.found.ok_or(Errno::ENOENT)
    }
}

/// The first name of a path without slashes in front, and what follows it.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let end = path.iter().position(|&byte| byte == b'/').unwrap_or(path.len());
    path.split_at(end)
}

fn without_slashes(path: &[u8]) -> &[u8] {
    let start = path.iter().position(|&byte| byte != b'/').unwrap_or(path.len());
    &path[start..]
}

impl Namespace {
    /// Walks a path to its end, where there need not be anything.
    pub(super) fn walk(&self, base: &Base<'_>, path: &[u8], follow: Follow) -> Result<Walked> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        if path.len() >= MOST_PATH {
            return Err(Errno::ENAMETOOLONG);
        }
        let mut at = if path[0] == b'/' { base.root.clone() } else { base.start.clone() };
        let mut rest = path.to_vec();
        let mut links = 0;
        loop {
            let (name, behind) = split(without_slashes(&rest));
            let is_last = without_slashes(behind).is_empty();
            let wants_directory = is_last && !behind.is_empty();
            if name.is_empty() {
                return Ok(Walked { parent: at.clone(), name: None, found: Some(at), wants_directory: true });
            }
            if at.inode.kind() != Kind::Directory {
                return Err(Errno::ENOTDIR);
            }
            check(base.credentials, &at.inode.status(), Access::EXECUTE)?;
            if matches!(name, b"." | b"..") {
                if name == b".." {
                    at = self.above(&at, &base.root);
                }
                rest = behind.to_vec();
                continue;
            }
            if name.len() > MOST_NAME {
                return Err(Errno::ENAMETOOLONG);
            }
            let child = match at.inode.look_up(name) {
                Ok(child) => self.uncover(at.with(child)),
                Err(Errno::ENOENT) if is_last => {
                    return Ok(Walked { parent: at, name: Some(name.to_vec()), found: None, wants_directory });
                }
                Err(error) => return Err(error),
            };
            let follows = !is_last || follow == Follow::Yes || (wants_directory && follow == Follow::No);
            if follows && child.inode.kind() == Kind::Link {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Errno::ELOOP);
                }
                if let Some(place) = child.inode.jump() {
                    let place = place?;
                    if is_last {
                        return Ok(Walked { parent: at, name: None, found: Some(place), wants_directory });
                    }
                    at = place;
                    rest = behind.to_vec();
                    continue;
                }
                let mut target = child.inode.read_link()?;
                if target.is_empty() {
                    return Err(Errno::ENOENT);
                }
                if target[0] == b'/' {
                    at = base.root.clone();
                }
                target.extend_from_slice(behind);
                if target.len() >= MOST_PATH {
                    return Err(Errno::ENAMETOOLONG);
                }
                rest = target;
                continue;
            }
            if is_last {
                if wants_directory && follow != Follow::Never && child.inode.kind() != Kind::Directory {
                    return Err(Errno::ENOTDIR);
                }
                let child = if child.is_mount_root() { child } else { at.named(name, child.inode) };
                return Ok(Walked { parent: at, name: Some(name.to_vec()), found: Some(child), wants_directory });
            }
            at = child;
            rest = behind.to_vec();
        }
    }

    /// The file at a path.
    ///
    /// # Errors
    /// ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG.
    pub fn find(&self, base: &Base<'_>, path: &[u8], follow: Follow) -> Result<Place> {
        self.walk(base, path, follow)?.existing()
    }

    /// The directory at a path, which the caller may search: for chdir(2).
    ///
    /// # Errors
    /// As for [`find`](Self::find).
    pub fn find_directory(&self, base: &Base<'_>, path: &[u8]) -> Result<Place> {
        let place = self.find(base, path, Follow::Yes)?;
        if place.inode.kind() != Kind::Directory {
            return Err(Errno::ENOTDIR);
        }
        check(base.credentials, &place.inode.status(), Access::EXECUTE)?;
        Ok(place)
    }

    /// Whether somebody may do something with a file.
    ///
    /// # Errors
    /// EACCES.
    pub fn check(&self, credentials: &Credentials, place: &Place, wanted: Access) -> Result<()> {
        check(credentials, &place.inode.status(), wanted)
    }
}
