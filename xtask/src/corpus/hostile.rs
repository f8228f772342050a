//! Programs that abuse the Unix library OS, each a file of its own: `tests/linux/hostile`. They audit the system themselves, and their
//! last line ends in "all well".

use super::programs::{PACKAGES, compile, file_name, files, place};
use super::workspace;
use crate::root::{Addition, Source};
use crate::{packages, paths};
use anyhow::Result;
use std::path::PathBuf;

/// Where they are, in the sources' directory and in the root.
const HOSTILE: &str = "hostile";

fn sources() -> Result<Vec<PathBuf>> {
    files(&workspace(HOSTILE), "c")
}

/// Their names, in order.
pub fn hostile_names() -> Result<Vec<String>> {
    Ok(sources()?.iter().map(|source| file_name(source).trim_end_matches(".c").to_owned()).collect())
}

/// What puts them into a root, as `/hostile/NAME`.
pub fn hostile_additions() -> Result<Vec<Addition>> {
    packages::ensure(&PACKAGES, true)?;
    let tree = paths::build("hostile")?;
    std::fs::remove_dir_all(&tree)?;
    for source in sources()? {
        let name = file_name(&source).trim_end_matches(".c").to_owned();
        compile("gcc", &["-static"], &[source], &place(&tree, &name)?)?;
    }
    Ok(vec![Addition { source: Source::Host(tree), guest: Some(format!("/{HOSTILE}").into()) }])
}
