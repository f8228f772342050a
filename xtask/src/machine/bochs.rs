//! Bochs: its configuration and its command.

use super::{BOCHS_PACKAGES, Emulator, Firmware, Spec};
use crate::packages;
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

/// Simulated instructions a second. It only scales ticks to simulated time.
const INSTRUCTIONS_PER_SECOND: u32 = 50_000_000;

/// The command that boots `image`, and its configuration in `directory`. With `port` com1 is a socket that Bochs
/// waits on before it starts.
pub(super) fn command(spec: &Spec, image: &Path, directory: &Path, port: Option<u16>) -> Result<Command> {
    debug_assert_eq!(spec.emulator, Emulator::Bochs);
    if spec.firmware == Firmware::Uefi {
        bail!("Bochs has no UEFI firmware");
    }
    packages::ensure(&BOCHS_PACKAGES, true)?;
    let configuration = directory.join("bochsrc");
    let debugger = directory.join("debugger-commands");
    std::fs::write(&configuration, text(spec, image, directory, port))?;
    // Debian's Bochs stops in its debugger: continue, and quit when the machine ends.
    std::fs::write(&debugger, "c\nq\n")?;
    // No child may outlive xtask.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "bochs", "-q", "-f"]).arg(configuration).arg("-rc").arg(debugger);
    Ok(command)
}

fn text(spec: &Spec, image: &Path, directory: &Path, port: Option<u16>) -> String {
    let Spec { cpus, memory, cpu_model, .. } = spec;
    let com1 = match port {
        Some(port) => format!("mode=socket-server, dev=127.0.0.1:{port}"),
        None => "mode=null".to_owned(),
    };
    // At full speed idle time costs nothing; a person needs the simulated clock to go with the wall's.
    let sync = if spec.wall_clock { "slowdown" } else { "none" };
    let time0 = if spec.today { "utc" } else { "1000000000" };
    format!(
        "cpu: model={cpu_model}, count={cpus}, ips={INSTRUCTIONS_PER_SECOND}, reset_on_triple_fault=0\n\
         memory: guest={memory}, host={memory}\n\
         romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot\n\
         vgaromimage: file=/usr/share/vgabios/vgabios.bin\n\
         display_library: rfb, options=\"timeout=0\"\n\
         sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy\n\
         com1: enabled=1, {com1}\n\
         port_e9_hack: enabled=1\n\
         clock: sync={sync}, time0={time0}\n\
         ata0-master: type=cdrom, path={}, status=inserted\n\
         boot: cdrom\n\
         log: {}\n",
        image.display(),
        directory.join("emulator.log").display(),
    )
}
