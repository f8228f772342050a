//! What the system says of itself.

use super::What;
use crate::clock::{self, SECOND};
use crate::errno::{Errno, Result};
use crate::machine;
use crate::unix::Unix;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// Ticks of a second, as these files count.
const TICKS: u64 = 100;

/// A file: its path below /proc, and what makes its text.
type File = (&'static [&'static str], fn(&Unix) -> String);

const FILES: &[File] = &[
    (&["meminfo"], memory),
    (&["uptime"], uptime),
    (&["loadavg"], load),
    (&["stat"], statistics),
    (&["cpuinfo"], processors),
    (&["version"], version),
    (&["filesystems"], |_| "nodev\ttmpfs\nnodev\tproc\n".into()),
    (&["mounts"], mounts),
    (&["cmdline"], |_| "\n".into()),
    (&["unknown_calls"], unknown_calls),
    (&["exits"], exits),
    (&["sys", "kernel", "hostname"], |unix| line(&unix.names.borrow().host)),
    (&["sys", "kernel", "domainname"], |unix| line(&unix.names.borrow().domain)),
    (&["sys", "kernel", "osrelease"], |_| format!("{}\n", crate::syscall::RELEASE)),
    (&["sys", "kernel", "ostype"], |_| "Linux\n".into()),
    (&["sys", "kernel", "pid_max"], |_| "32768\n".into()),
    (&["sys", "kernel", "ngroups_max"], |_| "65536\n".into()),
    (&["sys", "vm", "overcommit_memory"], |_| "1\n".into()),
    (&["sys", "fs", "file-max"], |_| "1048576\n".into()),
    (&["sys", "fs", "pipe-max-size"], |_| "1048576\n".into()),
];

fn line(bytes: &[u8]) -> String {
    format!("{}\n", String::from_utf8_lossy(bytes))
}

/// Names at the top, without processes.
pub(super) fn in_root() -> Vec<(Vec<u8>, What)> {
    below(&[], 0)
}

/// Names in a directory: that of a file, so many names deep.
pub(super) fn settings_in(index: usize, depth: usize) -> Vec<(Vec<u8>, What)> {
    FILES.get(index).map_or_else(Vec::new, |(path, _)| below(&path[..depth], depth))
}

fn below(directory: &[&str], depth: usize) -> Vec<(Vec<u8>, What)> {
    let mut names: Vec<(Vec<u8>, What)> = Vec::new();
    for (index, (path, _)) in FILES.iter().enumerate().filter(|(_, (path, _))| path.starts_with(directory)) {
        let name = path[depth].as_bytes().to_vec();
        let is_file = path.len() == depth + 1;
        if !names.iter().any(|(other, _)| *other == name) {
            names.push((name, if is_file { What::System(index) } else { What::Setting(index, depth + 1) }));
        }
    }
    names
}

pub(super) fn text(unix: &Unix, index: usize) -> Result<Vec<u8>> {
    FILES.get(index).map(|(_, make)| make(unix).into_bytes()).ok_or(Errno::ENOENT)
}

fn memory(_: &Unix) -> String {
    let (total, free) = (machine::total_frames() * 4, machine::free_frames() * 4);
    let mut text = String::new();
    let rows = [
        ("MemTotal", total),
        ("MemFree", free),
        ("MemAvailable", free),
        ("Buffers", 0),
        ("Cached", 0),
        ("SwapCached", 0),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("Shmem", 0),
        ("Slab", 0),
        ("SReclaimable", 0),
    ];
    for (name, kilobytes) in rows {
        let _ = writeln!(text, "{:<16}{kilobytes:>8} kB", format!("{name}:"));
    }
    text
}

fn hundredths(nanoseconds: u64) -> String {
    format!("{}.{:02}", nanoseconds / SECOND, nanoseconds % SECOND / (SECOND / 100))
}

fn uptime(unix: &Unix) -> String {
    let idle = clock::nanoseconds(Unix::idle_ticks());
    format!("{} {}\n", hundredths(clock::monotonic() - unix.began), hundredths(idle))
}

/// Nobody counts what waited when: the present stands for all three averages.
fn load(unix: &Unix) -> String {
    let (running, all) = (unix.ready.len() + 1, unix.threads.borrow().len());
    let load = unix.ready.len();
    format!("{load}.00 {load}.00 {load}.00 {running}/{all} {}\n", unix.identifiers.last())
}

fn statistics(unix: &Unix) -> String {
    let ticks = |nanoseconds: u64| nanoseconds / (SECOND / TICKS);
    let up = clock::monotonic() - unix.began;
    let idle = clock::nanoseconds(Unix::idle_ticks());
    let row = format!("{} 0 0 {} 0 0 0 0 0 0", ticks(up.saturating_sub(idle)), ticks(idle));
    let began = (clock::since_1970() - up) / SECOND;
    let running = unix.ready.len() + 1;
    let (last, waiting) = (unix.identifiers.last(), 0);
    format!(
        "cpu  {row}\ncpu0 {row}\nintr 0\nctxt 0\nbtime {began}\nprocesses {last}\nprocs_running {running}\nprocs_blocked {waiting}\n"
    )
}

fn processors(_: &Unix) -> String {
    let megahertz = machine::hertz() / 1000;
    format!(
        "processor\t: 0\nvendor_id\t: Ravelin\nmodel name\t: a virtual CPU\ncpu MHz\t\t: {}.{:03}\nflags\t\t: fpu tsc cx8 sep cmov fxsr sse sse2 syscall lm\n\n",
        megahertz / 1000,
        megahertz % 1000
    )
}

fn version(_: &Unix) -> String {
    format!("Linux version {} (Ravelin libos-unix)\n", crate::syscall::RELEASE)
}

pub(super) fn mounts(unix: &Unix) -> String {
    let files = unix.names_of_files();
    let mut text = String::new();
    for mount in files.mounts() {
        let path = match &mount.covers {
            None => b"/".to_vec(),
            Some(place) => files.path_of(place, &files.root()).unwrap_or_default(),
        };
        let (source, path) = (String::from_utf8_lossy(&mount.source), String::from_utf8_lossy(&path));
        let _ = writeln!(text, "{source} {path} {} rw 0 0", mount.kind);
    }
    text
}

/// System calls that programs have made and there are not: number, and how often.
fn unknown_calls(unix: &Unix) -> String {
    let mut text = String::new();
    for (number, count) in unix.unknown_calls.borrow().iter() {
        let _ = writeln!(text, "{number} {count}");
    }
    text
}

/// VM exits so far that this library OS and its programs have caused, and how many of them were loads of CR3, which are exits only where
/// the manifest says so. Read again from the beginning it says what it is then.
fn exits(_: &Unix) -> String {
    let (all, cr3) = machine::exits();
    format!("{all} {cr3}\n")
}
