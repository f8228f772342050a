//! `--add HOST[:GUEST]`: files and directory trees of the host in the root.

use super::{Entries, HOME};
use crate::cpio::Entry;
use anyhow::{Context, Result, bail};
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What is added to a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Where it comes from.
    pub source: Source,
    /// Where it goes, from the root or else from where commands start; `None`: where commands start, under its own name.
    pub guest: Option<PathBuf>,
}

/// Where an addition comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file or a directory with all that is in it. A link is followed here, and kept below.
    Host(PathBuf),
    /// A file with this content.
    Bytes(Vec<u8>),
}

impl Addition {
    /// What `HOST[:GUEST]` says. HOST may have a colon if there is such a file.
    #[must_use]
    pub fn parse(text: &OsStr) -> Addition {
        let bytes = text.as_bytes();
        let path = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
        match bytes.iter().rposition(|&byte| byte == b':').filter(|_| !Path::new(text).exists()) {
            Some(colon) => {
                Addition { source: Source::Host(path(&bytes[..colon])), guest: Some(path(&bytes[colon + 1..])) }
            }
            None => Addition { source: Source::Host(path(bytes)), guest: None },
        }
    }

    /// Puts it among the entries.
    pub(super) fn put(&self, entries: &mut Entries) -> Result<()> {
        let host = match &self.source {
            Source::Bytes(bytes) => {
                let place = self.place(Path::new("file"))?;
                return insert(entries, place, Entry::file(0o644, bytes.clone()));
            }
            Source::Host(host) => host,
        };
        let missing = || format!("--add: {} cannot be read", host.display());
        let real = host.canonicalize().with_context(missing)?;
        let place = self.place(&real_name(host, &real))?;
        for found in walkdir::WalkDir::new(&real).sort_by_file_name() {
            let found = found.with_context(missing)?;
            let below = found.path().strip_prefix(&real).unwrap_or(Path::new(""));
            let path = found.path();
            let entry = entry(path, &found.metadata().with_context(missing)?)?;
            let mut name = place.clone();
            if !below.as_os_str().is_empty() {
                name.push(b'/');
                name.extend(below.as_os_str().as_bytes());
            }
            insert(entries, name, entry)?;
        }
        Ok(())
    }

    /// The name that it gets in the archive. A guest path with a slash at its end is the directory in which it goes.
    fn place(&self, own: &Path) -> Result<Vec<u8>> {
        let home = Path::new("/").join(HOME);
        let guest = match &self.guest {
            None => home.join(own),
            Some(guest) if guest.as_os_str().as_bytes().ends_with(b"/") => home.join(guest).join(own),
            Some(guest) => home.join(guest),
        };
        let mut name = Vec::new();
        for part in guest.components() {
            match part {
                std::path::Component::Normal(part) => {
                    if !name.is_empty() {
                        name.push(b'/');
                    }
                    name.extend(part.as_bytes());
                }
                std::path::Component::ParentDir => bail!("--add: no .. in {}, please", guest.display()),
                _ => {}
            }
        }
        Ok(name)
    }
}

impl FromStr for Addition {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Addition, Self::Err> {
        Ok(Addition::parse(OsStr::new(text)))
    }
}

/// The name under which the user knows it: `.` and `..` have one only in their own directory.
fn real_name(host: &Path, real: &Path) -> PathBuf {
    host.file_name().or_else(|| real.file_name()).map(PathBuf::from).unwrap_or_default()
}

fn entry(path: &Path, metadata: &Metadata) -> Result<Entry> {
    let is = metadata.file_type();
    let cannot = || format!("--add: {} cannot be read", path.display());
    let content = if is.is_symlink() {
        std::fs::read_link(path).with_context(cannot)?.into_os_string().into_vec()
    } else if is.is_file() {
        std::fs::read(path).with_context(cannot)?
    } else if is.is_dir() || is.is_fifo() {
        Vec::new()
    } else {
        bail!("--add: {} is neither file nor directory nor link", path.display());
    };
    let modified = u32::try_from(metadata.mtime()).unwrap_or(0);
    Ok(Entry { mode: metadata.mode() & 0o177_777, modified, device: (0, 0), content })
}

/// Puts an entry in the place of an earlier one, with the directories on its way.
fn insert(entries: &mut Entries, name: Vec<u8>, entry: Entry) -> Result<()> {
    let shown = |name: &[u8]| format!("/{}", String::from_utf8_lossy(name));
    for end in (1..name.len()).filter(|&end| name[end] == b'/') {
        let above = entries.entry(name[..end].to_vec()).or_insert_with(|| Entry::directory(0o755));
        if !above.is_directory() {
            bail!("--add: {} is no directory, so {} cannot be there", shown(&name[..end]), shown(&name));
        }
    }
    if name.is_empty() {
        if entry.is_directory() {
            return Ok(());
        }
        bail!("--add: a file cannot be the root itself");
    }
    match entries.get(&name) {
        Some(earlier) if earlier.is_directory() && entry.is_directory() => return Ok(()),
        Some(earlier) if earlier.is_directory() => {
            bail!("--add: {} is a directory already; say {}/ to put a file into it", shown(&name), shown(&name))
        }
        Some(_) if entry.is_directory() => bail!("--add: {} is a file already, not a directory", shown(&name)),
        _ => {}
    }
    entries.insert(name, entry);
    Ok(())
}
