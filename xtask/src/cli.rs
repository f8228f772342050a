//! The command line of `cargo xtask`.

use crate::image::{ImageSpec, Module};
use crate::test::Which;
use crate::{bench, build, check_cpu, ci, corpus, image, lint, paths, run, setup, test};
use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Ravelin's build system.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Find or install everything that the other verbs need
    Setup {
        /// Install nothing; say what would have to be typed
        #[arg(long)]
        no_install: bool,
    },
    /// Build the kernel for the bare machine
    Build {
        /// Also every guest and library OS
        #[arg(long)]
        all: bool,
    },
    /// Make a bootable image (BIOS and UEFI)
    Image {
        /// The kernel's command line
        #[arg(long, default_value = "")]
        kernel_arguments: String,
        /// Another kernel than the one in this checkout
        #[arg(long)]
        kernel: Option<PathBuf>,
        /// A module: IMAGE followed by a space and its line, such as "hello name=hello memory=4"
        #[arg(long = "module")]
        modules: Vec<String>,
    },
    /// Boot a manifest; exit code 0 passed, 1 failed, 2 error, 3 died, 4 hung, 130 interrupted
    Run(Box<run::Options>),
    /// Run the tests
    Test {
        /// Which
        #[arg(value_enum, default_value_t = Which::All)]
        which: Which,
        /// Only tests whose names contain this
        filter: Option<String>,
    },
    /// Check the source
    Lint {
        /// Rewrite the unsafe ledger and docs/abi.md
        #[arg(long)]
        bless: bool,
        /// Change the digest of the contract's version; once anybody has built against it, raise ABI_VERSION instead
        #[arg(long)]
        bless_abi: bool,
    },
    /// Measure operations and compare them with their targets
    Bench(bench::Options),
    /// Run small programs and scripts on libos-unix, or on Linux, and compare what they say with what Linux said
    Corpus(corpus::Options),
    /// Say what this host offers to Ravelin
    CheckCpu,
    /// Everything that a change must pass
    Ci,
}

/// Runs what the process's arguments ask for. The code is the process's.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments.verb) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(verb: Verb) -> Result<u8> {
    match verb {
        Verb::Setup { no_install } => setup::verb(!no_install)?,
        Verb::Test { which, filter } => return test::verb(which, filter.as_deref()),
        Verb::Lint { bless, bless_abi } => lint::verb(lint::Bless { document: bless, version: bless_abi })?,
        Verb::Bench(options) => bench::verb(&options)?,
        Verb::Corpus(options) => return corpus::verb(&options),
        Verb::CheckCpu => check_cpu::verb(),
        Verb::Ci => return ci::verb(),
        Verb::Run(options) => return run::verb(&options),
        Verb::Build { all } => build::verb(all)?,
        Verb::Image { kernel_arguments, kernel, modules } => {
            let modules = modules.iter().map(|text| module(text)).collect::<Result<_>>()?;
            println!("{}", paths::shown(&image::build(&ImageSpec { kernel, kernel_arguments, modules })?));
        }
    }
    Ok(0)
}

fn module(text: &str) -> Result<Module> {
    let (name, line) = text.split_once(' ').context("a module is an image, a space and its line")?;
    let file = build::image(name, &std::env::current_dir()?)?;
    Ok(Module { file, line: line.to_owned() })
}
