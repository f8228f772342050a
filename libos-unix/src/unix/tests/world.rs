//! The system that the tests run, and its programs.

use crate::clock;
use crate::descriptors::Descriptors;
use crate::errno::Errno;
use crate::file::{Description, OpenFlags};
use crate::fs::{Base, Directories, Follow, MemoryFileSystem, Namespace, NodeFile, number};
use crate::io::Source;
use crate::machine;
use crate::memory::{AddressSpace, Backing, MapFlags, MapRequest, Protection};
use crate::pipe::PipeEnd;
use crate::process::{NewThread, Process, Thread, WaitStatus, short_name};
use crate::signal::{Actions, Information, Signal, SignalSet};
use crate::unix::{Outside, Unix, make_devices, mount_all};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::vec::Vec;

/// Where programs have memory, and how much.
const PLACE: u64 = 0x10_0000;
pub const BYTES: u64 = 0x8000;
/// Names that lie in it, at its end.
pub const PATHS: [&str; 14] = [
    "/tmp/a",
    "/tmp/b",
    "/tmp",
    "/dev/null",
    "/dev/ptmx",
    "/dev/pts/0",
    "/dev/tty",
    "/proc/self/fd",
    "/proc/self/maps",
    "/tmp/a/..",
    "b",
    "",
    "/dev/zero",
    "/tmp/program",
];
/// Bytes for each.
const PATH: u64 = 32;

/// An argument.
#[derive(Clone, Copy)]
pub enum Word {
    Plain(u64),
    /// An address in the program's memory.
    Memory(u64),
    /// That of a name.
    Path(usize),
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(value) => write!(f, "{value:#x}"),
            Self::Memory(offset) => write!(f, "@{offset:#x}"),
            Self::Path(which) => write!(f, "{:?}", PATHS[*which]),
        }
    }
}

impl Word {
    const fn value(self) -> u64 {
        match self {
            Self::Plain(value) => value,
            Self::Memory(offset) => PLACE + offset,
            Self::Path(which) => PLACE + BYTES - PATH * (which as u64 + 1),
        }
    }
}

/// Time passes at once; where nothing would ever happen again the system ends.
#[derive(Debug, Default)]
struct Nowhere {
    stuck: Cell<bool>,
}

impl Outside for Nowhere {
    fn sleep(&self, until: Option<u64>) {
        match until {
            // What is centuries away does not come.
            Some(until) if until < 1 << 60 => {
                machine::advance(clock::ticks_at(until).saturating_sub(clock::ticks_at(clock::monotonic())) + 1);
            }
            _ => self.stuck.set(true),
        }
    }

    fn poll(&self, unix: &Unix) {
        if self.stuck.get() {
            unix.outcome.set(Some(WaitStatus::Exited(0)));
        }
    }

    fn reclaim(&self) -> bool {
        false
    }
}

/// A system with a first process.
pub struct World {
    unix: Rc<Unix>,
    main: u32,
}

fn fine<T>(outcome: Result<T, Errno>) -> T {
    outcome.unwrap_or_else(|error| panic!("{error}"))
}

fn space(mut filling: u64) -> AddressSpace {
    let mut space = fine(AddressSpace::new());
    let request = MapRequest {
        address: PLACE,
        bytes: BYTES,
        protection: Protection::READ | Protection::WRITE,
        most: Protection::all(),
        flags: MapFlags::PRIVATE | MapFlags::FIXED,
        backing: Backing::Zeros,
    };
    fine(space.map(request));
    let mut bytes = Vec::new();
    // Words as structures have them: mostly small numbers, and addresses of this memory.
    while (bytes.len() as u64) < BYTES {
        filling = filling.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chance = filling >> 33;
        let word = match chance % 8 {
            0..=3 => chance / 8 % 16,
            4 | 5 => PLACE + chance / 8 % BYTES,
            6 => chance,
            _ => filling,
        };
        bytes.extend(word.to_le_bytes());
    }
    for (which, path) in PATHS.iter().enumerate() {
        let at = (BYTES - PATH * (which as u64 + 1)) as usize;
        bytes[at..at + PATH as usize].fill(0);
        bytes[at..at + path.len()].copy_from_slice(path.as_bytes());
    }
    fine(space.copy_in(PLACE, &bytes));
    space
}

impl World {
    pub fn new(filling: u64) -> Self {
        let root = MemoryFileSystem::root(number(0, 20), 1 << 10);
        fine(make_devices(&root));
        let unix = Unix::new(Rc::new(Nowhere::default()), Namespace::new(root, "tmpfs"));
        let names = unix.names_of_files();
        fine(names.make(&Base::of_root(names), b"/proc", crate::file::Kind::Directory, 0o555, 0));
        fine(mount_all(&unix));
        let id = unix.take_id().unwrap_or(2);
        let process = Process::new(id, Some(&unix.init), Rc::new(RefCell::new(Actions::default())), 0);
        process.group.set(id);
        process.session.set(id);
        let mut files = Descriptors::default();
        for description in PipeEnd::pair(unix.next_nameless(), 0, 0, OpenFlags::empty()) {
            fine(files.add(description, false, 0, 64));
        }
        fine(files.add(Self::program(&unix), false, 0, 64));
        let directories = Directories {
            root: names.root(),
            current: fine(names.find(&Base::of_root(names), b"/tmp", Follow::Yes)),
            umask: 0,
        };
        let new = NewThread {
            id,
            process: Rc::clone(&process),
            context: machine::Context::default(),
            space: Rc::new(RefCell::new(space(filling))),
            files: Rc::new(RefCell::new(files)),
            directories: Rc::new(RefCell::new(directories)),
            credentials: Rc::default(),
            name: short_name(b"first"),
            mask: SignalSet::EMPTY,
        };
        let thread = Thread::new(new, Rc::clone(&unix.ready));
        let mut registers = thread.context.registers();
        registers.rsp = PLACE + BYTES / 2;
        thread.context.set_registers(&registers);
        unix.add_process(&process);
        unix.main.set(Some(id));
        unix.add_thread(&thread);
        unix.settle();
        Self { unix, main: id }
    }

    /// A program that can be executed.
    fn program(unix: &Unix) -> Rc<Description> {
        let names = unix.names_of_files();
        let place = fine(names.make(&Base::of_root(names), b"/tmp/program", crate::file::Kind::Regular, 0o755, 0));
        let bytes = crate::process::tiny_program();
        let mut source = &bytes[..];
        while source.remaining() != 0 {
            let at = (bytes.len() - source.len()) as u64;
            fine(place.inode.write(at, &mut source).map(|count| assert_ne!(count, 0)));
        }
        Description::new(Rc::new(NodeFile::new(place)), OpenFlags::RDWR)
    }

    /// Has whoever has the CPU make a call, after which somebody else may have it; whether the system goes on.
    pub fn step(&mut self, number: u64, words: [Word; 6]) -> bool {
        if self.make(number, words) && number % 5 == 0 {
            self.unix.preempt();
            self.unix.settle();
        }
        self.unix.outcome.get().is_none()
    }

    fn make(&mut self, number: u64, words: [Word; 6]) -> bool {
        if self.unix.outcome.get().is_some() {
            return false;
        }
        let Some(thread) = self.unix.current() else { return false };
        let mut registers = thread.context.registers();
        registers.rax = number;
        [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9] =
            words.map(Word::value);
        thread.context.set_registers(&registers);
        self.unix.system_call(&thread);
        self.unix.outcome.get().is_none()
    }

    /// Has the first process make a call that does not wait; its result.
    pub fn call(&mut self, number: u64, words: [Word; 6]) -> u64 {
        let thread = self.unix.current().unwrap_or_else(|| panic!("nobody has the CPU"));
        assert_eq!(thread.id(), self.main);
        self.make(number, words);
        thread.context.registers().rax
    }

    /// Ends everybody.
    pub fn end(self) {
        self.unix.outcome.set(None);
        self.unix.main.set(None);
        for _ in 0..1000 {
            let processes: Vec<Rc<Process>> = self.unix.processes.borrow().values().cloned().collect();
            let living =
                processes.iter().filter(|process| process.leader().is_some() || !process.threads.borrow().is_empty());
            let mut any = false;
            for process in living {
                any = true;
                self.unix.send(process, Information::kernel(Signal::KILL));
            }
            if !any {
                break;
            }
            self.unix.attend();
            self.unix.settle();
            self.unix.outcome.set(None);
        }
        // Those that have ended lie in the queue still, which they know.
        assert!(self.unix.ready.pop().is_none());
        let threads = self.unix.threads.borrow().len();
        assert_eq!(threads, 0, "threads that do not end");
    }
}
