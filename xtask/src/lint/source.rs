//! The workspace's source files.

use crate::paths;
use anyhow::{Context, Result};
use proc_macro2::TokenStream;
use std::str::FromStr;
use walkdir::{DirEntry, WalkDir};

/// One source file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Relative to the workspace.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// The file's tokens; a file that is not Rust has none.
    pub fn tokens(&self) -> Result<TokenStream> {
        if !self.path.ends_with(".rs") {
            return Ok(TokenStream::new());
        }
        TokenStream::from_str(&self.text).map_err(|error| anyhow::anyhow!("{}: {error}", self.path))
    }
}

/// All Rust and assembly files, sorted by path.
pub fn all() -> Result<Vec<Source>> {
    let wanted = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        !(entry.file_type().is_dir() && entry.depth() > 0 && (name.starts_with('.') || is_output(entry)))
    };
    let mut sources = Vec::new();
    for entry in WalkDir::new(paths::workspace()).sort_by_file_name().into_iter().filter_entry(wanted) {
        let entry = entry.context("cannot walk the workspace")?;
        let is_source = entry.path().extension().is_some_and(|extension| extension == "rs" || extension == "S");
        if entry.file_type().is_file() && is_source {
            let text = std::fs::read_to_string(entry.path())
                .with_context(|| format!("cannot read {}", entry.path().display()))?;
            sources.push(Source { path: paths::shown(entry.path()), text });
        }
    }
    Ok(sources)
}

fn is_output(entry: &DirEntry) -> bool {
    entry.depth() == 1 && matches!(entry.file_name().to_str(), Some("target" | "build"))
}
