//! Where things are in the checkout. Everything that xtask makes is below `build/`, which may be deleted.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The workspace's root directory.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A directory below `build/`, made if it is missing.
pub fn build(name: &str) -> Result<PathBuf> {
    let directory = workspace().join("build").join(name);
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}

/// `path` as the reader of a message knows it: relative to the workspace if it is inside.
#[must_use]
pub fn shown(path: &Path) -> String {
    path.strip_prefix(workspace()).unwrap_or(path).display().to_string()
}

/// A path that the user typed: as it is if it exists from where they stand, else relative to the workspace.
#[must_use]
pub fn from_caller(path: &Path) -> PathBuf {
    if path.exists() { path.to_path_buf() } else { workspace().join(path) }
}

/// Leaves the files of a directory that were touched last, so many, and removes the others.
pub fn keep_newest(directory: &Path, count: usize) -> Result<()> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let mut files: Vec<(std::time::SystemTime, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            Some((entry.metadata().ok().filter(std::fs::Metadata::is_file)?.modified().ok()?, entry.path()))
        })
        .collect();
    files.sort();
    for (_, old) in files.iter().take(files.len().saturating_sub(count)) {
        let _somebody_was_quicker = std::fs::remove_file(old);
    }
    Ok(())
}

/// Marks a file as used now.
pub fn touch(file: &Path) {
    let now = std::time::SystemTime::now();
    let _gone_or_not_ours = std::fs::File::options().append(true).open(file).and_then(|file| file.set_modified(now));
}
