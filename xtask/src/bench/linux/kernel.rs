//! The stock kernel: Debian's package for clouds, fetched once and kept in `build/`.

use crate::{paths, process};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package that always depends on the newest kernel.
const NEWEST: &str = "linux-image-cloud-amd64";

/// A Linux kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its package and version.
    pub package: String,
    /// The kernel itself.
    pub image: PathBuf,
}

impl Kernel {
    /// The kernel that was fetched, if one was. It is not replaced by a newer one: figures stay comparable until `build/linux` goes.
    pub fn kept() -> Result<Option<Kernel>> {
        let directory = paths::build("linux")?;
        let image = directory.join("vmlinuz");
        match std::fs::read_to_string(directory.join("package")) {
            Ok(package) if image.is_file() => Ok(Some(Kernel { package: package.trim().to_owned(), image })),
            _ => Ok(None),
        }
    }

    /// The kernel that was fetched, or is now: from then on this works offline.
    pub fn ensure() -> Result<Kernel> {
        if let Some(kernel) = Kernel::kept()? {
            return Ok(kernel);
        }
        fetch().context(
            "the Linux column needs Debian's cloud kernel, and it cannot be fetched; `bench --no-linux` does without",
        )
    }
}

fn fetch() -> Result<Kernel> {
    for program in ["apt-cache", "apt-get", "dpkg"] {
        if process::find(program).is_none() {
            bail!("there is no {program} here");
        }
    }
    let mut ask = Command::new("apt-cache");
    let answer =
        process::capture(ask.args(["show", "--no-all-versions", NEWEST]), "asking for the newest Linux kernel")?;
    let name = dependency(&String::from_utf8_lossy(&answer.stdout))
        .with_context(|| format!("apt-cache does not say what {NEWEST} depends on; `apt-get update` may help"))?;
    let directory = paths::build("linux")?;
    let scratch = tempfile::Builder::new().prefix("fetching-").tempdir_in(&directory)?;
    let mut download = Command::new("apt-get");
    process::capture(download.args(["download", &name]).current_dir(scratch.path()), "fetching a Linux kernel")?;
    let archive = only(scratch.path(), |file| file.ends_with(".deb"))?;
    let unpacked = scratch.path().join("unpacked");
    let mut unpack = Command::new("dpkg");
    process::capture(unpack.arg("-x").arg(&archive).arg(&unpacked), "unpacking the Linux kernel")?;
    let image = only(&unpacked.join("boot"), |file| file.starts_with("vmlinuz-"))?;
    let mut version = Command::new("dpkg-deb");
    let version = process::capture(version.arg("-f").arg(&archive).arg("Version"), "reading the kernel's version")?;
    let package = format!("{name} {}", String::from_utf8_lossy(&version.stdout).trim());
    std::fs::rename(&image, directory.join("vmlinuz")).context("cannot keep the kernel")?;
    // Last: it says that the kernel is there.
    std::fs::write(directory.join("package"), &package)?;
    Ok(Kernel { package, image: directory.join("vmlinuz") })
}

/// The kernel's package, out of what apt says of [`NEWEST`].
fn dependency(text: &str) -> Option<String> {
    let depends = text.lines().find_map(|line| line.strip_prefix("Depends: "))?;
    let names = depends.split(',').filter_map(|part| part.split_whitespace().next());
    names.into_iter().find(|name| name.starts_with("linux-image-")).map(str::to_owned)
}

/// The only file of a directory with such a name.
fn only(directory: &Path, is_it: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let mut found =
        paths.into_iter().filter(|path| path.file_name().is_some_and(|name| is_it(&name.to_string_lossy())));
    match (found.next(), found.next()) {
        (Some(file), None) => Ok(file),
        _ => bail!("{} does not hold exactly one file that could be meant", directory.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::dependency;

    #[test]
    fn the_package_is_the_first_image_that_the_newest_depends_on() {
        let text = "Package: linux-image-cloud-amd64\nDepends: x, linux-image-6.1.0-56-cloud-amd64 (= 6.1.192-2)\n";
        assert_eq!(dependency(text).as_deref(), Some("linux-image-6.1.0-56-cloud-amd64"));
        assert_eq!(dependency("Package: x\n"), None);
    }
}
