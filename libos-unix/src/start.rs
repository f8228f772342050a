//! From the boot page to the first program.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::console::Stream;
use exo_user::{call, console, events};
use libos_unix::clock;
use libos_unix::descriptors::Descriptors;
use libos_unix::errno::{Errno, Result};
use libos_unix::file::{Credentials, Description, File, Kind, OpenFlags, Status};
use libos_unix::io::{Destination, Source};
use libos_unix::machine;
use libos_unix::memory::AddressSpace;
use libos_unix::process::{Arguments, FindProgram, NewThread, Process, Thread, WaitStatus, execute, short_name};
use libos_unix::signal::{Actions, SignalSet};
use libos_unix::unix::{Outside, Unix};

/// Bytes of the stack of the library OS.
const STACK_FRAMES: u64 = 64;

#[derive(Debug)]
struct Machine;

impl Outside for Machine {
    fn sleep(&self, until: Option<u64>) {
        events::block(until.map_or(0, clock::ticks_at));
    }

    fn poll(&self, _unix: &Unix) {
        events::poll();
    }

    fn reclaim(&self) -> bool {
        false
    }
}

/// A stream of the console.
#[derive(Debug)]
struct Console(Stream);

impl File for Console {
    fn read(&self, _offset: u64, _to: &mut dyn Destination) -> Result<usize> {
        Ok(0)
    }

    fn write(&self, _offset: u64, from: &mut dyn Source) -> Result<usize> {
        let mut buffer = [0; 1024];
        let count = from.take(&mut buffer)?;
        console::write(self.0, &buffer[..count]);
        Ok(count)
    }

    fn status(&self) -> Status {
        Status { kind: Kind::CharacterDevice, permissions: 0o600, ..Status::default() }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The data module as a file.
#[derive(Debug)]
struct Bytes(&'static [u8]);

impl File for Bytes {
    fn read(&self, offset: u64, to: &mut dyn Destination) -> Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        to.put(&self.0[from..])
    }

    fn page(&self, index: u64) -> Result<Option<libos_unix::memory::Frame>> {
        let start = (index as usize) << 12;
        if start >= self.0.len() {
            return Ok(None);
        }
        let frame = libos_unix::memory::Frame::zeroed()?;
        frame.write(0, &self.0[start..self.0.len().min(start + 4096)]);
        Ok(Some(frame))
    }

    fn status(&self) -> Status {
        Status { permissions: 0o755, size: self.0.len() as u64, ..Status::default() }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Nowhere;

impl FindProgram for Nowhere {
    fn find(&self, _path: &[u8]) -> Result<Rc<dyn File>> {
        Err(Errno::ENOENT)
    }
}

/// Starts the first program; its end is the end of the environment.
pub fn start(boot: &'static BootPage) -> ! {
    machine::set_hertz(boot.tsc_hertz);
    machine::set_total_frames(boot.runs().iter().map(|run| run.count).sum());
    machine::enable_vector_registers();
    let unix = Unix::new(Rc::new(Machine));
    let Some(stack) = exo_user::frames::allocate_contiguous(STACK_FRAMES) else { call::exit(1) };
    let stack = (stack.as_ptr() as u64 + stack.len() as u64) & !15;
    if let Err(error) = first_program(&unix, boot) {
        exo_user::eprintln!("libos-unix: cannot start the first program: {error}");
        call::exit(1);
    }
    machine::run(unix, stack, end)
}

fn end(unix: &Unix) -> ! {
    console::flush();
    call::exit(match unix.outcome.get() {
        Some(WaitStatus::Exited(status)) => status.into(),
        Some(WaitStatus::Killed(signal, _)) => 128 + u32::from(signal.number()),
        _ => 1,
    })
}

fn first_program(unix: &Unix, boot: &'static BootPage) -> Result<()> {
    let data = exo_user::take_data().ok_or(Errno::ENOENT)?.leak();
    let file: Rc<dyn File> = Rc::new(Bytes(data));
    let id = unix.take_id().ok_or(Errno::EAGAIN)?;
    let actions = Rc::new(RefCell::new(Actions::default()));
    let process = Process::new(id, Some(&unix.init), actions, clock::monotonic());
    process.group.set(id);
    process.session.set(id);
    let mut files = Descriptors::default();
    for stream in [Stream::Output, Stream::Output, Stream::Errors] {
        files.add(Description::new(Rc::new(Console(stream)), OpenFlags::RDWR), false, 0, 64)?;
    }
    let new = NewThread {
        id,
        process: Rc::clone(&process),
        context: machine::Context::default(),
        space: Rc::new(RefCell::new(AddressSpace::new()?)),
        files: Rc::new(RefCell::new(files)),
        directories: Rc::default(),
        credentials: Rc::new(Credentials::default()),
        name: short_name(b"init"),
        mask: SignalSet::EMPTY,
    };
    let thread = Thread::new(new, Rc::clone(&unix.ready));
    unix.add_process(&process);
    unix.main.set(Some(id));
    let arguments: Vec<Vec<u8>> = boot.arguments().split_whitespace().map(|word| word.as_bytes().to_vec()).collect();
    let given = Arguments { arguments, environment: alloc::vec![b"PATH=/bin".to_vec()] };
    execute(unix, &thread, b"/program", file, given, &Nowhere)?;
    unix.add_thread(&thread);
    Ok(())
}
