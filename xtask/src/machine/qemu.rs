//! QEMU, with KVM or without: its command.

use super::{Emulator, Firmware, QEMU_PACKAGES, Spec};
use crate::packages;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

const UEFI_CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const UEFI_VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// The command that boots `image`; com1 is its standard input and output.
pub(super) fn command(spec: &Spec, image: &Path, directory: &Path) -> Result<Command> {
    packages::ensure(&QEMU_PACKAGES, true)?;
    // No child may outlive xtask.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "qemu-system-x86_64"]);
    if spec.emulator == Emulator::Kvm {
        command.args(["-machine", "q35,accel=kvm", "-cpu", "host,+vmx,migratable=off"]);
    } else {
        command.args(["-machine", "q35,accel=tcg", "-cpu", "max"]);
    }
    command
        .args(["-smp", &spec.cpus.to_string(), "-m", &format!("{}M", spec.memory)])
        .args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none"])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-serial", "stdio"])
        .arg("-cdrom")
        .arg(image)
        .args(["-boot", "d"]);
    if spec.firmware == Firmware::Uefi {
        let variables = directory.join("uefi-variables.fd");
        std::fs::copy(UEFI_VARIABLES, &variables).with_context(|| format!("cannot copy {UEFI_VARIABLES}"))?;
        let drive = |options: &str, file: &str| format!("if=pflash,format=raw{options},file={file}");
        command.args(["-drive", &drive(",readonly=on", UEFI_CODE)]);
        command.args(["-drive", &drive("", &variables.display().to_string())]);
    }
    Ok(command)
}
