//! Boots an image on a machine, reads what the kernel says, and tells how the run ended.

mod bochs;
mod feed;
mod foreign;
mod launch;
mod qemu;
mod wire;

pub use foreign::{Foreign, run_foreign};
pub use launch::{prepare, run};
pub use wire::{Console, Report};

use crate::manifest::Environment;
use std::path::PathBuf;
use std::time::Duration;

/// What Bochs needs.
pub const BOCHS_PACKAGES: [&str; 3] = ["bochs", "bochsbios", "vgabios"];
/// What QEMU needs, with and without KVM.
pub const QEMU_PACKAGES: [&str; 2] = ["qemu-system-x86", "ovmf"];
/// The CPU model with everything that Ravelin can use.
pub const DEFAULT_CPU_MODEL: &str = "corei7_skylake_x";

/// What runs the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emulator {
    /// Bochs: emulates VMX on any host.
    #[default]
    Bochs,
    /// QEMU under KVM, nested: needs VMX on the host.
    Kvm,
    /// QEMU's own emulation: has no VMX, so Ravelin refuses it.
    Qemu,
}

/// What starts the boot loader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Firmware {
    /// A PC BIOS.
    #[default]
    Bios,
    /// UEFI (QEMU only).
    Uefi,
}

/// Where input comes from. But for [`Input::Text`] it is sent as [`exo_abi::console::input`] describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// Nothing is ever typed.
    #[default]
    None,
    /// These bytes as they are, as soon as the machine takes them.
    Text(Vec<u8>),
    /// xtask's standard input, and its end.
    Stream,
    /// xtask's standard input, which is a terminal in raw mode: the size of its window and every key but Ctrl-], which ends the run.
    Terminal,
}

/// A machine and what is to run on it.
#[derive(Clone, Debug)]
pub struct Spec {
    /// What runs the machine.
    pub emulator: Emulator,
    /// What starts the boot loader.
    pub firmware: Firmware,
    /// How many CPUs.
    pub cpus: u32,
    /// MiB of memory.
    pub memory: u32,
    /// Bochs' name for the CPU model; ignored under QEMU.
    pub cpu_model: String,
    /// Another kernel than the one in this checkout.
    pub kernel: Option<PathBuf>,
    /// The kernel's command line without `output` and `finish`.
    pub kernel_arguments: String,
    /// What runs.
    pub environments: Vec<Environment>,
    /// Directory that relative image paths start from.
    pub base: PathBuf,
    /// What is typed.
    pub input: Input,
    /// Time runs at the pace of the wall clock, as people need it; otherwise idle time passes in no time.
    pub wall_clock: bool,
    /// The machine's clock shows what time it is; otherwise always the same.
    pub today: bool,
    /// What the environments write is also kept for [`Outcome::consoles`].
    pub keep: bool,
    /// After so long the machine counts as hung.
    pub timeout: Duration,
}

impl Default for Spec {
    fn default() -> Spec {
        Spec {
            emulator: Emulator::Bochs,
            firmware: Firmware::Bios,
            cpus: 1,
            memory: 512,
            cpu_model: DEFAULT_CPU_MODEL.to_owned(),
            kernel: None,
            kernel_arguments: String::new(),
            environments: Vec::new(),
            base: crate::paths::workspace(),
            input: Input::None,
            wall_clock: false,
            today: false,
            keep: true,
            timeout: Duration::from_secs(60),
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The kernel reported `finish outcome=passed`.
    Passed,
    /// The kernel reported `finish outcome=failed`, with this reason.
    Failed(String),
    /// The emulator is gone and there is no finish line; a panic's message if the kernel wrote one.
    Died(Option<String>),
    /// The time was up.
    Hung,
    /// Ctrl-C.
    Interrupted,
}

impl Kind {
    /// The exit code of `run`.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Kind::Passed => 0,
            Kind::Failed(_) => 1,
            Kind::Died(_) => 3,
            Kind::Hung => 4,
            Kind::Interrupted => 130,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Passed => write!(f, "passed"),
            Kind::Failed(reason) => write!(f, "failed: {reason}"),
            Kind::Died(Some(panic)) => write!(f, "died: the kernel panicked: {panic}"),
            Kind::Died(None) => write!(f, "died: the emulator ended and the kernel had not finished"),
            Kind::Hung => write!(f, "hung: the time was up and the kernel had not finished"),
            Kind::Interrupted => write!(f, "interrupted"),
        }
    }
}

/// Everything that a run left behind.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub kind: Kind,
    /// The kernel's log.
    pub log: String,
    /// The log's lines for tools.
    pub report: Report,
    /// What the environments wrote, by index.
    pub consoles: Vec<Console>,
    /// Directory with the log, the emulator's own log and its configuration.
    pub directory: PathBuf,
}

impl Outcome {
    /// The console of the environment with this name.
    #[must_use]
    pub fn console(&self, name: &str) -> Option<&Console> {
        self.consoles.iter().find(|console| console.name == name)
    }
}

/// Gets console bytes while the machine runs.
pub trait Watcher {
    /// `bytes` came from the environment `name`.
    fn console(&mut self, name: &str, stream: exo_abi::console::Stream, bytes: &[u8]);
}

/// A watcher that looks away.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Watcher for Silent {
    fn console(&mut self, _: &str, _: exo_abi::console::Stream, _: &[u8]) {}
}
