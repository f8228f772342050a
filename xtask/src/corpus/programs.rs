//! The programs, built for a Linux without libraries, and where they lie in the root.
//!
//! All that use one C library are one file, which looks at the name by which it is called: so the root stays small enough for an
//! emulated disc. A first line `/* musl */` says that a program is built with musl, `/* alone FLAGS */` that it is a file of its own,
//! built with these flags.

use super::{GUEST, SCRIPTS, workspace};
use crate::root::{Addition, Root, Source};
use crate::{packages, paths, process};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What builds them.
pub(super) const PACKAGES: [&str; 3] = ["gcc", "libc6-dev", "musl-tools"];
/// No warnings: programs call wrongly what they want to see refused.
const FLAGS: [&str; 6] = ["-std=gnu11", "-O1", "-g0", "-fno-strict-aliasing", "-pthread", "-w"];

/// How a program is linked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Built {
    Glibc,
    Musl,
    Alone(Vec<String>),
}

/// A program's source.
struct Program {
    /// AREA/NAME.
    name: String,
    source: PathBuf,
    built: Built,
}

/// The names of programs and scripts that contain `filter`, in order.
pub fn names(filter: &str) -> Result<Vec<String>> {
    let mut names: Vec<String> = programs()?.into_iter().map(|program| program.name).collect();
    for script in files(&workspace(SCRIPTS), "sh")? {
        names.push(format!("{SCRIPTS}/{}", file_name(&script)));
    }
    names.retain(|name| name.contains(filter));
    names.sort();
    Ok(names)
}

/// The root directory in which everything is that runs.
pub fn root() -> Result<Root> {
    Ok(Root { additions: additions()? })
}

/// What the corpus adds to a root directory.
pub fn additions() -> Result<Vec<Addition>> {
    packages::ensure(&PACKAGES, true)?;
    let tree = paths::build("corpus/tree")?;
    std::fs::remove_dir_all(&tree)?;
    compile("gcc", &["-static"], &[workspace("corpus/runner.c")], &place(&tree, "runner")?)?;
    let programs = programs()?;
    for (built, compiler, library) in [(Built::Glibc, "gcc", "glibc"), (Built::Musl, "musl-gcc", "musl")] {
        let programs: Vec<&Program> = programs.iter().filter(|program| program.built == built).collect();
        together(compiler, &programs, &place(&tree, library)?)?;
        for program in programs {
            std::os::unix::fs::symlink(format!("../{library}"), place(&tree, &program.name)?)?;
        }
    }
    for program in &programs {
        if let Built::Alone(flags) = &program.built {
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            compile("gcc", &flags, std::slice::from_ref(&program.source), &place(&tree, &program.name)?)?;
        }
    }
    for script in files(&workspace(SCRIPTS), "sh")? {
        std::fs::copy(&script, place(&tree, &format!("{SCRIPTS}/{}", file_name(&script)))?)?;
    }
    Ok(vec![Addition { source: Source::Host(tree), guest: Some(GUEST.into()) }])
}

/// One file with all these programs.
fn together(compiler: &str, programs: &[&Program], output: &Path) -> Result<()> {
    let scratch = paths::build(&format!("corpus/{compiler}"))?;
    let mut table = String::new();
    let mut objects = Vec::new();
    for program in programs {
        let function = format!("run_{}", program.name.replace(['/', '-', '.'], "_"));
        writeln!(table, "PROGRAM(\"{}\", {function})", program.name)?;
        let object = scratch.join(format!("{function}.o"));
        compile(compiler, &["-c", &format!("-Dmain={function}")], std::slice::from_ref(&program.source), &object)?;
        objects.push(object);
    }
    let include = scratch.join("programs.inc");
    if std::fs::read_to_string(&include).ok().as_ref() != Some(&table) {
        std::fs::write(&include, table)?;
    }
    let dispatch = scratch.join("dispatch.o");
    let _made_again = std::fs::remove_file(&dispatch);
    let here = format!("-I{}", scratch.display());
    compile(compiler, &["-c", &here], &[workspace("corpus/dispatch.c")], &dispatch)?;
    objects.push(dispatch);
    compile(compiler, &["-static", "-s"], &objects, output)
}

/// Calls the compiler, if an object was not made from the same.
pub(super) fn compile(compiler: &str, flags: &[&str], sources: &[PathBuf], output: &Path) -> Result<()> {
    let mut command = Command::new(compiler);
    command.args(FLAGS).args(flags).arg("-I").arg(workspace("corpus")).args(sources).arg("-o").arg(output);
    let object = output.extension().is_some_and(|extension| extension == "o");
    let mut digest = Sha256::new_with_prefix(process::line(&command));
    for source in sources.iter().chain([&workspace("corpus/corpus.h")]) {
        digest.update(std::fs::read(source).with_context(|| format!("cannot read {}", source.display()))?);
    }
    let digest: String = digest.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let stamp = output.with_extension("from");
    if object && output.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|old| old == digest) {
        return Ok(());
    }
    process::capture(&mut command, &format!("building {}", paths::shown(output)))?;
    if object {
        std::fs::write(stamp, digest)?;
    }
    Ok(())
}

fn programs() -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    let corpus = workspace("corpus");
    for entry in std::fs::read_dir(&corpus)? {
        let area = entry?.path();
        if !area.is_dir() {
            continue;
        }
        for source in files(&area, "c")? {
            let name = source.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let text = std::fs::read_to_string(&source)?;
            let built = built(text.lines().next().unwrap_or_default());
            programs.push(Program { name: format!("{}/{name}", file_name(&area)), source, built });
        }
    }
    programs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(programs)
}

/// What a program's first line says of it.
fn built(line: &str) -> Built {
    let said = line.strip_prefix("/*").and_then(|rest| rest.strip_suffix("*/")).map(str::trim).unwrap_or_default();
    let mut words = said.split_whitespace();
    match words.next() {
        Some("musl") if said == "musl" => Built::Musl,
        Some("alone") => Built::Alone(words.map(str::to_owned).collect()),
        _ => Built::Glibc,
    }
}

/// The files of a directory that end in `.EXTENSION`, in order.
pub(super) fn files(directory: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    if let Some(file) = files.iter().find(|file| file_name(file).contains(char::is_whitespace)) {
        bail!("{}: a name here has no spaces", file.display());
    }
    Ok(files)
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A path in the tree, whose directory is made.
pub(super) fn place(tree: &Path, name: &str) -> Result<PathBuf> {
    let path = tree.join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::{Built, built};

    #[test]
    fn the_first_line_says_how_a_program_is_built() {
        assert_eq!(built("/* musl */"), Built::Musl);
        assert_eq!(built("/* musl has it otherwise */"), Built::Glibc);
        assert_eq!(built("/* alone -static-pie */"), Built::Alone(vec!["-static-pie".to_owned()]));
        assert_eq!(built("#include \"corpus.h\""), Built::Glibc);
    }
}
