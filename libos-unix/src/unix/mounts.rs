//! What the tree of files has whatever the archive says.

use super::Unix;
use crate::errno::{Errno, Result};
use crate::file::Kind;
use crate::fs::{self, Base, Follow, Inode, MemoryFileSystem};
use crate::machine;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The size of a directory in which nothing is.
const EMPTY: u64 = 40;

/// Mounts /proc, /dev/pts and /tmp, and makes what /dev has of the former.
///
/// # Errors
/// ENOMEM.
pub fn mount_all(unix: &Rc<Unix>) -> Result<()> {
    let names = unix.names_of_files();
    let base = Base::of_root(names);
    let at = match names.find(&base, b"/proc", Follow::Yes) {
        Err(Errno::ENOENT) => names.make(&base, b"/proc", Kind::Directory, 0o555, 0)?,
        other => other?,
    };
    names.mount(at, fs::proc::root(Rc::downgrade(unix)), "proc", b"proc")?;
    let slaves = names.find(&base, b"/dev/pts", Follow::Yes)?;
    names.mount(slaves, fs::slaves::root(Rc::downgrade(unix)), "devpts", b"devpts")?;
    let temporary = names.find(&base, b"/tmp", Follow::Yes)?;
    let fresh = MemoryFileSystem::root(fs::number(0, 22), machine::total_frames() / 2);
    fresh.change(&fs::MetadataChange { permissions: Some(0o1777), ..fs::MetadataChange::default() })?;
    // What the archive has there is there still.
    if temporary.inode.status().size <= EMPTY {
        names.mount(temporary, fresh, "tmpfs", b"tmpfs")?;
    }
    let links: [(&[u8], &[u8]); 4] = [
        (b"/dev/fd", b"/proc/self/fd"),
        (b"/dev/stdin", b"/proc/self/fd/0"),
        (b"/dev/stdout", b"/proc/self/fd/1"),
        (b"/dev/stderr", b"/proc/self/fd/2"),
    ];
    for (path, target) in links {
        match names.make_link(&base, path, target) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Devices that every program expects, whatever the archive says.
///
/// # Errors
/// ENOMEM.
pub fn make_devices(root: &Rc<dyn Inode>) -> Result<()> {
    let directory = |name: &[u8], permissions| {
        let new = fs::New { kind: Kind::Directory, permissions, user: 0, group: 0, represents: 0, target: Vec::new() };
        root.look_up(name).or_else(|_| root.make(name, &new))
    };
    let dev = directory(b"dev", 0o755)?;
    directory(b"tmp", 0o1777)?;
    let pts =
        fs::New { kind: Kind::Directory, permissions: 0o755, user: 0, group: 0, represents: 0, target: Vec::new() };
    dev.look_up(b"pts").or_else(|_| dev.make(b"pts", &pts))?;
    let device = |name: &[u8], permissions, major, minor| {
        let represents = fs::number(major, minor);
        let kind = Kind::CharacterDevice;
        let new = fs::New { kind, permissions, user: 0, group: 0, represents, target: Vec::new() };
        dev.make(name, &new).map(drop).or_else(|error| if error == Errno::EEXIST { Ok(()) } else { Err(error) })
    };
    device(b"null", 0o666, 1, 3)?;
    device(b"zero", 0o666, 1, 5)?;
    device(b"full", 0o666, 1, 7)?;
    device(b"random", 0o666, 1, 8)?;
    device(b"urandom", 0o666, 1, 9)?;
    device(b"tty", 0o666, 5, 0)?;
    device(b"ptmx", 0o666, 5, 2)?;
    device(b"console", 0o600, 5, 1)
}
