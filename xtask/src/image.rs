//! Makes the ISO image that every machine boots, BIOS or UEFI: GRUB, the kernel, one module for each environment.

use crate::{build, packages, paths, process, words};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What makes images, for both kinds of firmware.
pub const PACKAGES: [&str; 6] = ["binutils", "grub-pc-bin", "grub-efi-amd64-bin", "grub-common", "xorriso", "mtools"];

/// Changes whenever the way of making images changes.
const RECIPE: &str = "2";
/// Images that are kept.
const KEPT: usize = 128;
/// The only GRUB modules that the image carries: fewer boot faster.
const GRUB_MODULES: &str = "multiboot2 normal configfile iso9660 search";

/// What is on an image.
#[derive(Clone, Debug, Default)]
pub struct ImageSpec {
    /// Another kernel than the one in this checkout.
    pub kernel: Option<PathBuf>,
    /// The kernel's command line.
    pub kernel_arguments: String,
    /// The environments.
    pub modules: Vec<Module>,
}

/// One boot module.
#[derive(Clone, Debug)]
pub struct Module {
    /// The ELF file, or the data.
    pub file: PathBuf,
    /// The module's line, as `docs/command-line.md` describes it.
    pub line: String,
}

/// A file of an image.
struct Part {
    /// Where it comes from.
    file: PathBuf,
    /// What it is called in `/boot`.
    name: String,
    /// It is an ELF file, whose debug information stays away.
    strip: bool,
}

/// The image for `spec`, made if `build/images` does not have it.
pub fn build(spec: &ImageSpec) -> Result<PathBuf> {
    let kernel = spec.kernel.clone().map_or_else(build::kernel, Ok)?;
    let mut parts = vec![Part { file: kernel, name: "ravelin".to_owned(), strip: true }];
    for (index, module) in spec.modules.iter().enumerate() {
        // Data may be an ELF file too, and stays as it is.
        let strip = !words::parse(&module.line)?.iter().any(|word| word.key == "data");
        parts.push(Part { file: module.file.clone(), name: module_name(index), strip });
    }
    cached(&configuration(spec)?, GRUB_MODULES, &parts)
}

/// An image that boots a Linux kernel with an initramfs, made if `build/images` does not have it.
pub fn build_linux(kernel: &Path, initramfs: &Path, arguments: &str) -> Result<PathBuf> {
    let arguments = grub_words(arguments)?;
    let configuration = format!("set timeout=0\nlinux /boot/linux{arguments}\ninitrd /boot/initramfs\nboot\n");
    let part = |file: &Path, name: &str| Part { file: file.to_path_buf(), name: name.to_owned(), strip: false };
    cached(
        &configuration,
        "linux normal configfile iso9660 search",
        &[part(kernel, "linux"), part(initramfs, "initramfs")],
    )
}

fn cached(configuration: &str, modules: &str, parts: &[Part]) -> Result<PathBuf> {
    let mut digest = Sha256::new_with_prefix(RECIPE);
    digest.update(modules);
    digest.update(configuration);
    for part in parts {
        let bytes = std::fs::read(&part.file).with_context(|| format!("cannot read {}", part.file.display()))?;
        digest.update(Sha256::digest(bytes));
    }
    let name: String = digest.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let directory = paths::build("images")?;
    let image = directory.join(format!("{name}.iso"));
    if image.is_file() {
        paths::touch(&image);
    } else {
        paths::keep_newest(&directory, KEPT)?;
        make(configuration, modules, parts, &directory, &image)?;
    }
    Ok(image)
}

fn make(configuration: &str, modules: &str, parts: &[Part], directory: &Path, image: &Path) -> Result<()> {
    packages::ensure(&PACKAGES, true)?;
    let scratch = tempfile::Builder::new().prefix("making-").tempdir_in(directory)?;
    let boot = scratch.path().join("tree/boot");
    std::fs::create_dir_all(boot.join("grub"))?;
    std::fs::write(boot.join("grub/grub.cfg"), configuration)?;
    for part in parts {
        // Symbols stay, for backtraces; the rest of the debug information would only be slow to load. What cannot be
        // stripped goes in as it is: whether it is an image at all, the kernel says.
        let mut strip = Command::new("strip");
        let to = boot.join(&part.name);
        strip.arg("--strip-debug").arg("-o").arg(&to).arg(&part.file);
        if !part.strip || process::capture(&mut strip, "stripping an image").is_err() {
            std::fs::copy(&part.file, &to).with_context(|| format!("cannot copy {}", part.file.display()))?;
        }
    }
    let unfinished = scratch.path().join("image.iso");
    let mut command = Command::new("grub-mkrescue");
    command
        .arg(format!("--install-modules={modules}"))
        .args(["--fonts=", "--locales=", "--themes="])
        .arg("-o")
        .arg(&unfinished)
        .arg(scratch.path().join("tree"));
    process::capture(&mut command, "making the boot image")?;
    std::fs::rename(&unfinished, image).with_context(|| format!("cannot move the image to {}", image.display()))
}

fn module_name(index: usize) -> String {
    format!("module{index}")
}

/// GRUB's configuration: one entry, no menu, no waiting.
fn configuration(spec: &ImageSpec) -> Result<String> {
    let mut text = format!("set timeout=0\nmultiboot2 /boot/ravelin{}\n", grub_words(&spec.kernel_arguments)?);
    for (index, module) in spec.modules.iter().enumerate() {
        writeln!(text, "module2 /boot/{}{}", module_name(index), grub_words(&module.line)?)?;
    }
    text.push_str("boot\n");
    Ok(text)
}

/// A line's words as GRUB's script language must spell them. GRUB passes them on with quotes and backslashes of its
/// own, which mean the same to the kernel.
fn grub_words(line: &str) -> Result<String> {
    if line.contains(char::is_control) {
        bail!("a control character cannot pass the boot loader: {line:?}");
    }
    let mut text = String::new();
    for word in words::unquoted(line)? {
        write!(text, " '{}'", word.replace('\'', "'\\''"))?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{ImageSpec, Module, configuration};

    #[test]
    fn words_reach_the_kernel_through_grub() {
        let module = Module { file: "x".into(), line: r#"name=a arguments="it's $a \\x41""#.to_owned() };
        let spec = ImageSpec { kernel: None, kernel_arguments: "output=e9".to_owned(), modules: vec![module] };
        let expected = "set timeout=0\nmultiboot2 /boot/ravelin 'output=e9'\n\
            module2 /boot/module0 'name=a' 'arguments=it'\\''s $a \\x41'\nboot\n";
        assert_eq!(configuration(&spec).unwrap(), expected);
    }
}
