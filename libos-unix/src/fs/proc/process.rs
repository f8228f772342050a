//! What there is to say of a process.

use super::{What, link::Link};
use crate::clock::SECOND;
use crate::errno::{Errno, Result};
use crate::memory::{AddressSpace, Backing, Protection};
use crate::process::{Process, ProcessState, Thread};
use crate::signal::{Disposition, Signal, SignalSet};
use crate::unix::Unix;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// What makes the text of a file.
type Make = fn(&Unix, &Rc<Process>) -> Vec<u8>;

const FILES: &[(&str, Make)] = &[
    ("stat", statistics),
    ("status", status),
    ("statm", sizes),
    ("cmdline", |_, process| strings(process, |space| space.layout.arguments)),
    ("environ", |_, process| strings(process, |space| space.layout.environment)),
    ("auxv", |_, process| strings(process, |space| space.layout.auxiliary)),
    ("maps", maps),
    ("comm", |_, process| format!("{}\n", name(process)).into_bytes()),
    ("mounts", |unix, _| super::system::mounts(unix).into_bytes()),
];

pub(super) fn in_process(id: u32) -> Vec<(Vec<u8>, What)> {
    let files =
        FILES.iter().enumerate().map(|(index, (name, _))| (name.as_bytes().to_vec(), What::ProcessFile(id, index)));
    let others = [
        (b"exe".to_vec(), What::Link(id, Link::Program)),
        (b"cwd".to_vec(), What::Link(id, Link::Current)),
        (b"root".to_vec(), What::Link(id, Link::Root)),
        (b"fd".to_vec(), What::Descriptors(id)),
        (b"task".to_vec(), What::Tasks(id)),
    ];
    files.chain(others).collect()
}

pub(super) fn text(unix: &Unix, process: &Rc<Process>, index: usize) -> Result<Vec<u8>> {
    FILES.get(index).map(|(_, make)| make(unix, process)).ok_or(Errno::ENOENT)
}

fn name(process: &Process) -> String {
    let name = process.leader().map_or_else(|| process.name.get(), |leader| leader.name.get());
    let length = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    String::from_utf8_lossy(&name[..length]).into_owned()
}

fn state(unix: &Unix, process: &Process) -> char {
    let runs = |thread: &Rc<Thread>| !thread.is_blocked();
    match process.state() {
        ProcessState::Ended => 'Z',
        ProcessState::Stopped => 'T',
        ProcessState::Running if process.id == unix.init.id => 'S',
        ProcessState::Running if process.threads.borrow().iter().any(runs) => 'R',
        ProcessState::Running => 'S',
    }
}

fn with_space<R: Default>(process: &Process, work: impl FnOnce(&mut AddressSpace) -> R) -> R {
    process.leader().map_or_else(R::default, |leader| work(&mut leader.space.borrow().borrow_mut()))
}

fn statistics(unix: &Unix, process: &Rc<Process>) -> Vec<u8> {
    let ticks = |nanoseconds: u64| nanoseconds / (SECOND / 100);
    let terminal = unix.terminal_of(process.session.get());
    let (device, foreground) = terminal.map_or((0, -1), |terminal| {
        (crate::file::File::status(&*terminal).represents, terminal.foreground.get().cast_signed())
    });
    let children = process.children_times.get();
    let (bytes, pages) = with_space(process, |space| (space.bytes(), space.resident_pages()));
    let nice = process.nice.get();
    let threads = process.threads.borrow().len();
    let mut text = format!("{} ({}) {} {}", process.id, name(process), state(unix, process), process.parent_id());
    let _ = write!(text, " {} {} {device} {foreground} 0 0 0 0 0", process.group.get(), process.session.get());
    let _ = write!(text, " {} 0 {} {}", ticks(unix.time_of(process)), ticks(children.user), ticks(children.system));
    let _ = write!(text, " {} {nice} {threads} 0 {} {bytes} {pages}", 20 + nice, ticks(process.began - unix.began));
    // Limits, addresses and what only Linux has; the signal that the parent gets, and the CPU, are 38th and 39th.
    let _ = writeln!(
        text,
        " 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 {} 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
        process.exit_signal.get()
    );
    text.into_bytes()
}

fn status(unix: &Unix, process: &Rc<Process>) -> Vec<u8> {
    let leader = process.leader();
    let state = match state(unix, process) {
        'R' => "R (running)",
        'S' => "S (sleeping)",
        'T' => "T (stopped)",
        _ => "Z (zombie)",
    };
    let credentials = leader.as_ref().map(|leader| Rc::clone(&leader.credentials.borrow())).unwrap_or_default();
    let ids = |ids: [u32; 4]| format!("{}\t{}\t{}\t{}", ids[0], ids[1], ids[2], ids[3]);
    let (bytes, pages) = with_space(process, |space| (space.bytes(), space.resident_pages()));
    let mut text = format!("Name:\t{}\n", name(process));
    let umask = leader.as_ref().map_or(0, |leader| leader.directories.borrow().borrow().umask);
    let _ = writeln!(text, "Umask:\t{umask:04o}\nState:\t{state}\nTgid:\t{0}\nPid:\t{0}", process.id);
    let _ = writeln!(text, "PPid:\t{}\nTracerPid:\t0", process.parent_id());
    let _ = writeln!(text, "Uid:\t{}\nGid:\t{}", ids(credentials.user), ids(credentials.group));
    let _ = writeln!(text, "VmSize:\t{:>8} kB\nVmRSS:\t{:>8} kB", bytes / 1024, pages * 4);
    let _ = writeln!(text, "Threads:\t{}", process.threads.borrow().len());
    let pending = leader.as_ref().map_or(0, |leader| leader.pending.borrow().set().0);
    let mask = leader.as_ref().map_or(0, |leader| leader.mask.get().0);
    let shared = process.pending.borrow().set().0;
    let _ = writeln!(text, "SigPnd:\t{pending:016x}\nShdPnd:\t{shared:016x}\nSigBlk:\t{mask:016x}");
    let actions = process.actions.borrow();
    let actions = actions.borrow();
    let set = |wanted: fn(&Disposition) -> bool| {
        let signals = (1..=64).filter_map(Signal::new);
        signals.filter(|&signal| wanted(&actions.get(signal).disposition)).fold(SignalSet::EMPTY, SignalSet::with).0
    };
    let ignored = set(|disposition| *disposition == Disposition::Ignore);
    let caught = set(|disposition| matches!(disposition, Disposition::Handler(_)));
    let _ = writeln!(text, "SigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}");
    text.into_bytes()
}

fn sizes(_: &Unix, process: &Rc<Process>) -> Vec<u8> {
    let (pages, resident) = with_space(process, |space| (space.bytes() / 4096, space.resident_pages()));
    format!("{pages} {resident} 0 0 0 {pages} 0\n").into_bytes()
}

fn strings(process: &Process, range: impl Fn(&AddressSpace) -> (u64, u64)) -> Vec<u8> {
    /// Longer than any that programs are given.
    const MOST: u64 = 8 << 20;
    with_space(process, |space| {
        let (start, end) = range(space);
        let mut bytes = alloc::vec![0; (end - start).min(MOST) as usize];
        let count = if bytes.is_empty() { Ok(0) } else { space.copy_out(start, &mut bytes) };
        bytes.truncate(count.unwrap_or(0));
        bytes
    })
}

fn maps(unix: &Unix, process: &Rc<Process>) -> Vec<u8> {
    with_space(process, |space| {
        let mut text = String::new();
        let layout = space.layout;
        for area in space.areas() {
            let flag = |has: bool, letter: char| if has { letter } else { '-' };
            let p = area.protection;
            let (r, w) = (flag(p.contains(Protection::READ), 'r'), flag(p.contains(Protection::WRITE), 'w'));
            let x = flag(p.contains(Protection::EXECUTE), 'x');
            let s = if area.shared { 's' } else { 'p' };
            let (offset, status, path) = match &area.backing {
                Backing::Zeros => (0, crate::file::Status::default(), Vec::new()),
                Backing::File(file, page) => {
                    let node = file.as_any().downcast_ref::<crate::fs::NodeFile>();
                    let path = node.and_then(|node| unix.names_of_files().path_of_file(node.place()));
                    (page * 4096, file.status(), path.unwrap_or_default())
                }
            };
            let (major, minor) = crate::fs::device(status.device);
            let mut row = format!(
                "{:08x}-{:08x} {r}{w}{x}{s} {offset:08x} {major:02x}:{minor:02x} {} ",
                area.start, area.end, status.inode
            );
            let own = if !path.is_empty() {
                String::from_utf8_lossy(&path).into_owned()
            } else if area.start <= layout.stack && layout.stack < area.end {
                "[stack]".into()
            } else if area.start < layout.heap.1 && area.end > layout.heap.0 {
                "[heap]".into()
            } else {
                String::new()
            };
            if !own.is_empty() {
                let width = row.len().max(73);
                row = format!("{row:<width$}{own}");
            }
            let _ = writeln!(text, "{}", if own.is_empty() { row.trim_end() } else { &row });
        }
        text.into_bytes()
    })
}
