//! The root directory of the Unix library OS: BusyBox, the few files that programs expect, and what `--add` brings. It goes to
//! the library OS as an archive.

mod add;

pub use add::{Addition, Source};

use crate::cpio::{Archive, Entry};
use crate::{packages, paths, process};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// The Debian package that brings BusyBox.
pub const PACKAGE: &str = "busybox-static";
/// Where commands start, and where additions go whose place is not said.
pub const HOME: &str = "root";
/// Where BusyBox is.
const BUSYBOX: &str = "bin/busybox";
/// Archives that are kept.
const KEPT: usize = 16;

/// A root directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Root {
    /// What is added; the later one wins.
    pub additions: Vec<Addition>,
}

/// Directories with their permissions.
const DIRECTORIES: [(&str, u32); 22] = [
    ("bin", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("home", 0o755),
    ("lib", 0o755),
    ("lib64", 0o755),
    ("mnt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("sbin", 0o755),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("usr/bin", 0o755),
    ("usr/lib", 0o755),
    ("usr/local", 0o755),
    ("usr/local/bin", 0o755),
    ("usr/sbin", 0o755),
    ("usr/share", 0o755),
    ("var", 0o755),
    ("var/log", 0o755),
    ("var/tmp", 0o1777),
];

/// Files, all for everybody to read.
const FILES: [(&str, &str); 7] = [
    ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"),
    ("etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"),
    ("etc/hostname", "ravelin\n"),
    ("etc/hosts", "127.0.0.1\tlocalhost ravelin\n"),
    ("etc/shells", "/bin/sh\n/bin/ash\n"),
    ("etc/os-release", "NAME=Ravelin\nID=ravelin\nPRETTY_NAME=\"Ravelin, libos-unix\"\n"),
    (
        "etc/profile",
        "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
         export PS1='\\u@\\h:\\w\\$ '\n\
         umask 022\n",
    ),
];

/// Symbolic links.
const LINKS: [(&str, &str); 2] = [("etc/mtab", "/proc/self/mounts"), ("var/run", "/run")];

/// The entries of a root by path, directories before what is in them.
type Entries = BTreeMap<Vec<u8>, Entry>;

impl Root {
    /// The archive, made if `build/roots` does not have it.
    pub fn archive(&self) -> Result<PathBuf> {
        let mut entries = base()?;
        for addition in &self.additions {
            addition.put(&mut entries)?;
        }
        let mut archive = Archive::default();
        for (name, entry) in &entries {
            archive.add(name, entry)?;
        }
        keep(&archive.finish()?)
    }
}

fn keep(bytes: &[u8]) -> Result<PathBuf> {
    let name: String = Sha256::digest(bytes).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let directory = paths::build("roots")?;
    let file = directory.join(format!("{name}.cpio"));
    if file.is_file() {
        paths::touch(&file);
    } else {
        paths::keep_newest(&directory, KEPT)?;
        let mut unfinished = tempfile::NamedTempFile::new_in(&directory)?;
        std::io::Write::write_all(&mut unfinished, bytes)
            .and_then(|()| unfinished.persist(&file).map(drop).map_err(Into::into))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(file)
}

/// What every root has.
fn base() -> Result<Entries> {
    let busybox = busybox()?;
    let mut entries = Entries::new();
    let mut put = |name: &str, entry: Entry| drop(entries.insert(name.as_bytes().to_vec(), entry));
    DIRECTORIES.iter().for_each(|&(name, permissions)| put(name, Entry::directory(permissions)));
    FILES.iter().for_each(|&(name, text)| put(name, Entry::file(0o644, text)));
    LINKS.iter().for_each(|&(name, target)| put(name, Entry::link(target)));
    // In /bin and in /usr/bin, as where these are one directory: programs and scripts name either.
    for applet in applets(&busybox)?.iter().map(String::as_str).chain([BUSYBOX]) {
        let below = applet.trim_start_matches("usr/");
        put(below, Entry::link(format!("/{BUSYBOX}")));
        put(&format!("usr/{below}"), Entry::link(format!("/{BUSYBOX}")));
    }
    let content = std::fs::read(&busybox).with_context(|| format!("cannot read {}", busybox.display()))?;
    put(BUSYBOX, Entry::file(0o755, content));
    Ok(entries)
}

/// BusyBox on this host, installed if need be.
fn busybox() -> Result<PathBuf> {
    packages::ensure(&[PACKAGE], true)?;
    let listed = process::capture(Command::new("dpkg").args(["-L", PACKAGE]), "listing BusyBox's files")?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let is_it = |path: &&str| path.ends_with("bin/busybox");
    let path = listed.lines().find(is_it).with_context(|| format!("{PACKAGE} has no bin/busybox"))?;
    Ok(PathBuf::from(path))
}

/// The paths of all that BusyBox can be called as.
fn applets(busybox: &std::path::Path) -> Result<Vec<String>> {
    let listed = process::capture(Command::new(busybox).arg("--list-full"), "asking BusyBox what it is")?;
    let listed = String::from_utf8(listed.stdout).context("BusyBox has names that are not UTF-8")?;
    let applets: Vec<String> = listed.lines().filter(|line| *line != BUSYBOX).map(str::to_owned).collect();
    if !applets.iter().any(|applet| applet == "bin/sh") {
        bail!("{} has no shell", busybox.display());
    }
    Ok(applets)
}

#[cfg(test)]
mod tests;
