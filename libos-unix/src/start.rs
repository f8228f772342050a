//! From the boot page to the first program.

mod console;
mod outside;

use alloc::rc::Rc;
use alloc::vec::Vec;
use console::{Screen, Stream};
use core::cell::RefCell;
use core::fmt;
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::console::Stream as Channel;
use exo_user::{call, eprintln};
use libos_unix::clock;
use libos_unix::descriptors::Descriptors;
use libos_unix::errno::{Errno, Result};
use libos_unix::file::{Description, File, OpenFlags};
use libos_unix::fs::{self, ArchiveError, Base, Directories, Follow, MemoryFileSystem, Namespace, NodeFile};
use libos_unix::machine;
use libos_unix::memory::AddressSpace;
use libos_unix::process::{Arguments, FindProgram, NewThread, Process, Thread, WaitStatus, execute, short_name};
use libos_unix::signal::{Actions, SignalSet};
use libos_unix::terminal::Terminal;
use libos_unix::unix::{self, Unix};
use outside::{Input, Machine};

/// Frames of the stack of the library OS.
const STACK_FRAMES: u64 = 64;
/// Status of the environment where no program could be started.
const STATUS_NO_PROGRAM: u32 = 125;
const SHELL: &[u8] = b"/bin/sh";

/// Why there is no first program.
enum Trouble {
    Archive(ArchiveError),
    Error(Errno),
    NoRoot,
}

impl From<Errno> for Trouble {
    fn from(error: Errno) -> Self {
        Self::Error(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive(error) => write!(f, "{error}"),
            Self::Error(error) => write!(f, "/bin/sh: {error}"),
            Self::NoRoot => f.write_str("the manifest gives no root file system"),
        }
    }
}

/// What the boot page asks for.
enum Job<'b> {
    /// A command for the shell.
    Command(&'b str),
    /// A shell at a terminal.
    Interactive,
    /// A shell that reads what comes.
    Script,
}

impl<'b> Job<'b> {
    fn of(boot: &'b BootPage) -> Self {
        match boot.arguments() {
            "interactive" => Self::Interactive,
            arguments => arguments.strip_prefix("exec ").map_or(Self::Script, Self::Command),
        }
    }

    fn arguments(&self) -> Vec<Vec<u8>> {
        let words: &[&[u8]] = match self {
            Self::Command(command) => &[b"sh", b"-c", command.as_bytes()],
            Self::Interactive => &[b"-sh"],
            Self::Script => &[b"sh"],
        };
        words.iter().map(|word| word.to_vec()).collect()
    }
}

/// Starts the first program; its end is the end of the environment.
pub fn start(boot: &'static BootPage) -> ! {
    machine::set_hertz(boot.tsc_hertz);
    let seconds = exo_user::info::system().map_or(0, |system| system.began);
    if seconds != 0 {
        clock::set_beginning(seconds);
    }
    machine::set_total_frames(boot.runs().iter().map(|run| run.count).sum());
    machine::enable_vector_registers();
    exo_user::revocation::install();
    machine::keep_guaranteed(boot);
    let Some(stack) = exo_user::frames::allocate_contiguous(STACK_FRAMES) else { call::exit(STATUS_NO_PROGRAM) };
    let stack = (stack.as_ptr() as u64 + stack.len() as u64) & !15;
    match system(boot) {
        Ok(unix) => machine::run(unix, stack, end),
        Err(trouble) => {
            eprintln!("libos-unix: {trouble}");
            call::exit(STATUS_NO_PROGRAM)
        }
    }
}

/// The first program has ended, and everything with it.
fn end(unix: &Unix) -> ! {
    exo_user::console::flush();
    call::exit(match unix.outcome.get() {
        Some(WaitStatus::Exited(status)) => status.into(),
        Some(WaitStatus::Killed(signal, _)) => 128 + u32::from(signal.number()),
        _ => STATUS_NO_PROGRAM,
    })
}

/// The system with its first program.
fn system(boot: &'static BootPage) -> core::result::Result<Rc<Unix>, Trouble> {
    let root = MemoryFileSystem::root(fs::number(0, 20), machine::total_frames() / 2);
    let mut archive = exo_user::take_data().ok_or(Trouble::NoRoot)?;
    let length = archive.len();
    let bytes: &[u8] = &archive;
    fs::unpack(bytes, &root, |_| {}).map_err(Trouble::Archive)?;
    archive.advance(length);
    unix::make_devices(&root)?;
    let job = Job::of(boot);
    let input = Rc::new(Input::default());
    let unix = Unix::new(Rc::new(Machine { input: Rc::clone(&input) }), Namespace::new(root, "tmpfs"));
    unix::mount_all(&unix)?;
    first_program(&unix, &job, &input)?;
    Ok(unix)
}

/// The three descriptors that the first program begins with.
fn descriptors(unix: &Unix, job: &Job<'_>, input: &Rc<Input>) -> Result<Descriptors> {
    let mut files = Descriptors::default();
    let mut add = |description: Rc<Description>| files.add(description, false, 0, 64).map(drop);
    if matches!(job, Job::Interactive) {
        // What programs compare to find out what their terminal is called.
        let names = unix.names_of_files();
        let status = names.find(&Base::of_root(names), b"/dev/console", Follow::Yes)?.inode.status();
        let terminal = Terminal::new(Rc::new(Screen), status);
        unix.add_terminal(&terminal);
        input.feed_terminal(&terminal);
        *unix.console.borrow_mut() = Some(terminal.clone());
        let description = Description::new(terminal, OpenFlags::RDWR);
        (0..3).try_for_each(|_| add(Rc::clone(&description)))?;
    } else {
        add(input.feed_pipe())?;
        for channel in [Channel::Output, Channel::Errors] {
            add(Description::new(Rc::new(Stream(channel)), OpenFlags::WRONLY))?;
        }
        let console: Rc<dyn File> = Rc::new(Stream(Channel::Errors));
        *unix.console.borrow_mut() = Some(console);
    }
    Ok(files)
}

struct Finder<'u> {
    unix: &'u Unix,
}

impl FindProgram for Finder<'_> {
    fn find(&self, path: &[u8]) -> Result<Rc<dyn File>> {
        let files = self.unix.names_of_files();
        let base = Base::of_root(files);
        Ok(Rc::new(NodeFile::new(files.find(&base, path, Follow::Yes)?)))
    }
}

fn first_program(unix: &Unix, job: &Job<'_>, input: &Rc<Input>) -> Result<()> {
    let id = unix.take_id().ok_or(Errno::EAGAIN)?;
    let actions = Rc::new(RefCell::new(Actions::default()));
    let process = Process::new(id, Some(&unix.init), actions, clock::monotonic());
    process.group.set(id);
    process.session.set(id);
    let files = descriptors(unix, job, input)?;
    if let Some(terminal) = unix.console.borrow().as_ref().and_then(|file| file.as_any().downcast_ref::<Terminal>()) {
        unix.take_terminal(&process, terminal);
    }
    let finder = Finder { unix };
    let home: &[u8] = b"/root";
    let names = unix.names_of_files();
    let base = Base::of_root(names);
    let current = names.find(&base, home, Follow::Yes).unwrap_or_else(|_| names.root());
    let directories = Directories { root: names.root(), current, umask: 0o22 };
    let new = NewThread {
        id,
        process: Rc::clone(&process),
        context: machine::Context::default(),
        space: Rc::new(RefCell::new(AddressSpace::new()?)),
        files: Rc::new(RefCell::new(files)),
        directories: Rc::new(RefCell::new(directories)),
        credentials: Rc::default(),
        name: short_name(b"init"),
        mask: SignalSet::EMPTY,
    };
    let thread = Thread::new(new, Rc::clone(&unix.ready));
    unix.add_process(&process);
    unix.main.set(Some(id));
    let mut environment: Vec<Vec<u8>> =
        [&b"HOME=/root"[..], b"PATH=/sbin:/usr/sbin:/bin:/usr/bin", b"USER=root", b"LOGNAME=root", b"SHELL=/bin/sh"]
            .iter()
            .map(|each| each.to_vec())
            .collect();
    if matches!(job, Job::Interactive) {
        environment.push(b"TERM=xterm-256color".to_vec());
    }
    let given = Arguments { arguments: job.arguments(), environment };
    execute(unix, &thread, SHELL, finder.find(SHELL)?, given, &finder)?;
    unix.add_thread(&thread);
    Ok(())
}
