//! What is measured, what it must cost at most, and what does the same on Linux.

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name of the operation in reports.
    pub id: &'static str,
    /// What it is.
    pub what: &'static str,
    /// What Linux does instead.
    pub linux: Option<Counterpart>,
    /// Most ticks for one.
    pub ticks: Option<f64>,
    /// Most exits for one.
    pub exits: Option<f64>,
}

/// What a Linux program would do to the same end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counterpart {
    /// Its row in what `tests/linux/bench` writes.
    pub id: &'static str,
    /// What it is.
    pub what: &'static str,
}

const fn row(id: &'static str, what: &'static str, linux: Option<Counterpart>, ticks: f64, exits: f64) -> Target {
    let ticks = if ticks == 0.0 { None } else { Some(ticks) };
    let exits = if exits < 0.0 { None } else { Some(exits) };
    Target { id, what, linux, ticks, exits }
}

const fn on_linux(id: &'static str, what: &'static str) -> Option<Counterpart> {
    Some(Counterpart { id, what })
}

/// Stands for "no limit on exits".
const ANY: f64 = -1.0;

const GETPID: Option<Counterpart> = on_linux("null-call", "getpid");
const SEGV: Option<Counterpart> =
    on_linux("trap", "store to a read-only page, SIGSEGV, a handler that skips it, sigreturn");
const REPAIR: Option<Counterpart> =
    on_linux("ept-fault", "read of a PROT_NONE page, SIGSEGV, mprotect in the handler, sigreturn, retry");
const PIPES: Option<Counterpart> = on_linux("pct", "word to another process and back through two pipes");

/// Every operation, in the order of the report. No limit on ticks is 0.
pub const TARGETS: [Target; 28] = [
    row(
        "exception",
        "exception, handler of the library OS, resume",
        on_linux("exception", "UD2, SIGILL, a handler that skips it, sigreturn"),
        60.0,
        0.0,
    ),
    row("ept-fault", "access to a frame not held, handler repoints, resume", REPAIR, 120.0, 0.0),
    row("ept-fault-bind", "the same, repaired by binding the frame", REPAIR, 200.0, 1.0),
    row("trap", "protection fault on an own page, handler, resume", SEGV, 80.0, 0.0),
    row(
        "appel1",
        "protect one, fault, unprotect it and protect another (a page)",
        on_linux("appel1", "the same by SIGSEGV and mprotect"),
        160.0,
        0.0,
    ),
    row(
        "appel2",
        "protect 100, fault each, unprotect (a page)",
        on_linux("appel2", "the same by SIGSEGV and mprotect"),
        120.0,
        0.0,
    ),
    row(
        "dirty",
        "is this page dirty?",
        on_linux("dirty", "soft-dirty bit of one page, read from /proc/self/pagemap"),
        20.0,
        0.0,
    ),
    row("prot1", "protect one page", on_linux("prot1", "mprotect of one page among others"), 40.0, 0.0),
    row("prot100", "protect 100 pages (a page)", on_linux("prot100", "mprotect"), 8.0, 0.0),
    row("unprot100", "unprotect 100 pages (a page)", on_linux("unprot100", "mprotect"), 8.0, 0.0),
    row("null-call", "null kernel call", GETPID, 60.0, 1.0),
    row("pct", "protected control transfer, call and reply", PIPES, 220.0, 2.0),
    row("pct-full", "the same with vector state cleared on both sides", PIPES, 320.0, 2.0),
    row("gate", "gate without exits, call and reply", PIPES, 100.0, 0.0),
    row(
        "alloc100",
        "allocate 100 used frames, scrub included (a frame)",
        on_linux("alloc100", "mmap of 100 pages and the first store to each (a page)"),
        600.0,
        0.01,
    ),
    row(
        "bind100",
        "bind 100 frames (a frame)",
        on_linux("bind100", "mmap with MAP_POPULATE of 100 present pages of a memfd (a page)"),
        40.0,
        0.01,
    ),
    row("unbind100", "unbind 100 frames (a frame)", on_linux("unbind100", "munmap of them (a page)"), 40.0, 0.01),
    row("revoke100", "revocation of 100 frames (a frame)", None, 60.0, ANY),
    row("repossess100", "forced repossession of 100 frames (a frame)", None, 150.0, ANY),
    row(
        "slice-switch",
        "the rest of a slice to another library OS",
        on_linux("slice-switch", "sched_yield to another process"),
        0.0,
        1.0,
    ),
    row(
        "event",
        "event raised by a call, upcall, handler",
        on_linux("event", "signal to oneself, handler, sigreturn"),
        0.0,
        1.0,
    ),
    row("unix-null", "null system call of a Linux program", GETPID, 70.0, 0.0),
    row("unix-sigsegv", "SIGSEGV, handler, sigreturn of a Linux program", SEGV, 700.0, 0.0),
    row("unix-pipe", "pipe round trip between two processes", PIPES, 1_200.0, 0.0),
    row("unix-fork", "fork, exit, wait", on_linux("unix-fork", "fork, exit, wait"), 45_000.0, ANY),
    row("net-demux", "packet demultiplexing with 64 filters", None, 0.0, ANY),
    row("sql-gate", "point SELECT from another library OS, ticks added", None, 1_500.0, ANY),
    row("sql-socket", "point SELECT of a Linux process by socket, ticks added", None, 4_000.0, ANY),
];
