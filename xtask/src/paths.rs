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
