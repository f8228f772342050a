//! What is measured, what it must cost at most, and what Linux costs in the same emulator.

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name of the operation in reports.
    pub id: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Median of the same operation on Linux in the same emulator, in ticks, where there is one.
    pub linux: Option<u64>,
    /// Most ticks for one.
    pub ticks: Option<f64>,
    /// Most exits for one.
    pub exits: Option<f64>,
}

const fn row(id: &'static str, what: &'static str, linux: u64, ticks: f64, exits: f64) -> Target {
    let linux = if linux == 0 { None } else { Some(linux) };
    let ticks = if ticks == 0.0 { None } else { Some(ticks) };
    let exits = if exits < 0.0 { None } else { Some(exits) };
    Target { id, what, linux, ticks, exits }
}

/// Stands for "no limit on exits".
const ANY: f64 = -1.0;

/// Every operation, in the order of the report. No Linux figure is 0, no limit on ticks is 0.
pub const TARGETS: [Target; 28] = [
    row("exception", "exception, handler of the library OS, resume", 3_655, 60.0, 0.0),
    row("ept-fault", "access to a frame not held, handler repoints, resume", 6_717, 120.0, 0.0),
    row("ept-fault-bind", "the same, repaired by binding the frame", 6_717, 200.0, 1.0),
    row("trap", "protection fault on an own page, handler, resume", 3_655, 80.0, 0.0),
    row("appel1", "protect one, fault, unprotect it and protect another (a page)", 9_690, 160.0, 0.0),
    row("appel2", "protect 100, fault each, unprotect (a page)", 0, 120.0, 0.0),
    row("dirty", "is this page dirty?", 0, 20.0, 0.0),
    row("prot1", "protect one page", 0, 40.0, 0.0),
    row("prot100", "protect 100 pages (a page)", 0, 8.0, 0.0),
    row("unprot100", "unprotect 100 pages (a page)", 0, 8.0, 0.0),
    row("null-call", "null kernel call", 340, 60.0, 1.0),
    row("pct", "protected control transfer, call and reply", 12_957, 220.0, 2.0),
    row("pct-full", "the same with vector state cleared on both sides", 12_957, 320.0, 2.0),
    row("gate", "gate without exits, call and reply", 12_957, 100.0, 0.0),
    row("alloc100", "allocate 100 used frames, scrub included (a frame)", 0, 600.0, 0.01),
    row("bind100", "bind 100 frames (a frame)", 0, 40.0, 0.01),
    row("unbind100", "unbind 100 frames (a frame)", 0, 40.0, 0.01),
    row("revoke100", "revocation of 100 frames (a frame)", 0, 60.0, ANY),
    row("repossess100", "forced repossession of 100 frames (a frame)", 0, 150.0, ANY),
    row("slice-switch", "the rest of a slice to another library OS", 0, 0.0, 1.0),
    row("event", "event raised by a call, upcall, handler", 0, 0.0, 1.0),
    row("unix-null", "null system call of a Linux program", 340, 70.0, 0.0),
    row("unix-sigsegv", "SIGSEGV, handler, sigreturn of a Linux program", 3_655, 700.0, 0.0),
    row("unix-pipe", "pipe round trip between two processes", 12_957, 1_200.0, 0.0),
    row("unix-fork", "fork, exit, wait", 188_132, 45_000.0, ANY),
    row("net-demux", "packet demultiplexing with 64 filters", 0, 0.0, ANY),
    row("sql-gate", "point SELECT from another library OS, ticks added", 0, 1_500.0, ANY),
    row("sql-socket", "point SELECT of a Linux process by socket, ticks added", 0, 4_000.0, ANY),
];
