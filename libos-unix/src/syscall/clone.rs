//! Making processes and threads: clone(2) and what is made of it.

use super::{Call, Outcome, Restart, Stop};
use crate::errno::{Errno, Result};
use crate::memory::USER_END;
use crate::process::{NewThread, Process, Thread};
use crate::signal::Actions;
use alloc::rc::Rc;
use core::cell::RefCell;
use zerocopy::{FromBytes, Immutable, IntoBytes};

bitflags::bitflags! {
    /// What a child shares, as clone(2) numbers it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CloneFlags: u64 {
        /// Memory.
        const VM = 0x100;
        /// Root, working directory, umask.
        const FS = 0x200;
        /// Descriptors.
        const FILES = 0x400;
        /// Signal handlers.
        const SIGHAND = 0x800;
        /// The parent waits until the child execs or ends.
        const VFORK = 0x4000;
        /// The parent's parent is the child's as well.
        const PARENT = 0x8000;
        /// It is a thread of the same process.
        const THREAD = 0x1_0000;
        /// Undone semaphore operations; there are none.
        const SYSVSEM = 0x4_0000;
        /// Its thread-local storage is given.
        const SETTLS = 0x8_0000;
        /// Its number is written in the parent.
        const PARENT_SETTID = 0x10_0000;
        /// A word is cleared and woken when it leaves its memory.
        const CHILD_CLEARTID = 0x20_0000;
        /// Once meant something.
        const DETACHED = 0x40_0000;
        /// Nobody traces.
        const UNTRACED = 0x80_0000;
        /// Its number is written in the child.
        const CHILD_SETTID = 0x100_0000;
        /// All its signal handlers are the default.
        const CLEAR_SIGHAND = 0x1_0000_0000;
    }
}

/// What clone(2) and clone3(2) ask for.
#[derive(Clone, Copy, Debug)]
struct Request {
    flags: CloneFlags,
    exit_signal: u64,
    stack: u64,
    parent_id_at: u64,
    child_id_at: u64,
    local_storage: u64,
}

const NOTHING: Request = Request {
    flags: CloneFlags::empty(),
    exit_signal: 17,
    stack: 0,
    parent_id_at: 0,
    child_id_at: 0,
    local_storage: 0,
};

pub(super) fn fork(call: &Call<'_>) -> Outcome {
    make(call, NOTHING)
}

pub(super) fn vfork(call: &Call<'_>) -> Outcome {
    make(call, Request { flags: CloneFlags::VM | CloneFlags::VFORK, ..NOTHING })
}

pub(super) fn clone(call: &Call<'_>) -> Outcome {
    let [flags, stack, parent_id_at, child_id_at, local_storage, _] = call.arguments();
    let exit_signal = flags & 0xff;
    let flags = flags & 0xffff_ff00;
    let flags = CloneFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    make(call, Request { flags, exit_signal, stack, parent_id_at, child_id_at, local_storage })
}

/// struct clone_args as far as it was at first (CLONE_ARGS_SIZE_VER0).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct CloneArguments {
    flags: u64,
    descriptor: u64,
    child_id: u64,
    parent_id: u64,
    exit_signal: u64,
    stack: u64,
    stack_bytes: u64,
    local_storage: u64,
}

pub(super) fn clone3(call: &Call<'_>) -> Outcome {
    let [address, bytes, ..] = call.arguments();
    if bytes > 4096 {
        return Err(Errno::E2BIG.into());
    }
    if bytes < size_of::<CloneArguments>() as u64 {
        return Err(Errno::EINVAL.into());
    }
    let arguments: CloneArguments = call.read(address)?;
    // What came later asks for things that there are not.
    for at in (size_of::<CloneArguments>() as u64..bytes).step_by(8) {
        if call.read::<u64>(address.wrapping_add(at))? != 0 {
            return Err(Errno::EINVAL.into());
        }
    }
    let flags = CloneFlags::from_bits(arguments.flags).ok_or(Errno::EINVAL)?;
    let no_stack = (arguments.stack == 0) != (arguments.stack_bytes == 0);
    if no_stack || arguments.exit_signal > 64 || flags.contains(CloneFlags::DETACHED) {
        return Err(Errno::EINVAL.into());
    }
    let request = Request {
        flags,
        exit_signal: arguments.exit_signal,
        stack: arguments.stack.wrapping_add(arguments.stack_bytes),
        parent_id_at: arguments.parent_id,
        child_id_at: arguments.child_id,
        local_storage: arguments.local_storage,
    };
    make(call, request)
}

fn check(request: &Request) -> Result<()> {
    let flags = request.flags;
    let needs = |what: CloneFlags, other: CloneFlags| !flags.contains(what) || flags.contains(other);
    let storage = !flags.contains(CloneFlags::SETTLS) || request.local_storage < USER_END;
    let consistent = needs(CloneFlags::THREAD, CloneFlags::SIGHAND)
        && needs(CloneFlags::SIGHAND, CloneFlags::VM)
        && !flags.contains(CloneFlags::SIGHAND | CloneFlags::CLEAR_SIGHAND);
    if !consistent {
        return Err(Errno::EINVAL);
    }
    if storage { Ok(()) } else { Err(Errno::EPERM) }
}

fn make(call: &Call<'_>, request: Request) -> Outcome {
    if call.progress().done != 0 {
        return wait_for_vfork(call);
    }
    check(&request)?;
    let flags = request.flags;
    let thread = call.thread;
    let id = call.unix.take_id().ok_or(Errno::EAGAIN)?;
    check_limit(call)?;
    let process =
        if flags.contains(CloneFlags::THREAD) { Rc::clone(&thread.process) } else { new_process(call, id, &request) };
    let child = new_thread(call, id, process, &request)?;
    if flags.contains(CloneFlags::PARENT_SETTID) {
        call.write(request.parent_id_at, &id)?;
    }
    if flags.contains(CloneFlags::CHILD_SETTID) {
        // An address that cannot be written is the child's loss.
        let _ = child.space().borrow_mut().copy_in(request.child_id_at, &id.to_le_bytes());
    }
    if !flags.contains(CloneFlags::THREAD) {
        call.unix.add_process(&child.process);
    }
    call.unix.add_thread(&child);
    if flags.contains(CloneFlags::VFORK) {
        *child.vfork_parent.borrow_mut() = Rc::downgrade(thread);
        call.set_done(id.into());
        return Err(Stop::wait(Restart::Uninterruptible));
    }
    Ok(id.into())
}

fn check_limit(call: &Call<'_>) -> Result<()> {
    let credentials = call.thread.credentials.borrow();
    let limit = call.process().limits.get().soft(crate::process::Resource::Processes);
    let user = credentials.user[0];
    if credentials.is_privileged() || limit == u64::MAX {
        return Ok(());
    }
    let own = |thread: &&Rc<Thread>| thread.process.user.get() == user;
    let count = call.unix.threads.borrow().values().filter(own).count() as u64;
    if count >= limit { Err(Errno::EAGAIN) } else { Ok(()) }
}

fn new_process(call: &Call<'_>, id: u32, request: &Request) -> Rc<Process> {
    let parent = call.process();
    let flags = request.flags;
    let actions = if flags.contains(CloneFlags::SIGHAND) {
        Rc::clone(&parent.actions.borrow())
    } else {
        let mut actions = Actions::clone(&parent.actions.borrow().borrow());
        if flags.contains(CloneFlags::CLEAR_SIGHAND) {
            actions.reset_handlers();
        }
        Rc::new(RefCell::new(actions))
    };
    let child = Process::new(id, Some(parent), actions, crate::clock::monotonic());
    if flags.contains(CloneFlags::PARENT) {
        *child.parent.borrow_mut() = parent.parent.borrow().clone();
        child.exit_signal.set(parent.exit_signal.get());
    } else {
        child.exit_signal.set(request.exit_signal);
    }
    child
}

fn new_thread(call: &Call<'_>, id: u32, process: Rc<Process>, request: &Request) -> Result<Rc<Thread>> {
    let (thread, flags) = (call.thread, request.flags);
    let space = if flags.contains(CloneFlags::VM) {
        thread.space()
    } else {
        Rc::new(RefCell::new(thread.space.borrow().borrow_mut().fork()?))
    };
    let files = if flags.contains(CloneFlags::FILES) {
        thread.files()
    } else {
        Rc::new(RefCell::new(thread.files.borrow().borrow().clone()))
    };
    let directories = if flags.contains(CloneFlags::FS) {
        Rc::clone(&thread.directories.borrow())
    } else {
        Rc::new(RefCell::new(thread.directories.borrow().borrow().clone()))
    };
    let context = thread.context.duplicate();
    context.set_result(0);
    if request.stack != 0 {
        let mut registers = context.registers();
        registers.rsp = request.stack;
        context.set_registers(&registers);
    }
    if flags.contains(CloneFlags::SETTLS) {
        context.set_fs_base(request.local_storage);
    }
    let credentials = Rc::clone(&thread.credentials.borrow());
    let (name, mask) = (thread.name.get(), thread.mask.get());
    let new = NewThread { id, process, context, space, files, directories, credentials, name, mask };
    let child = Thread::new(new, Rc::clone(&call.unix.ready));
    if !flags.contains(CloneFlags::VM) || flags.contains(CloneFlags::VFORK) {
        child.alternate_stack.set(thread.alternate_stack.get());
    }
    if flags.contains(CloneFlags::CHILD_CLEARTID) {
        child.clear_child_id.set(request.child_id_at);
    }
    Ok(child)
}

/// The child has the parent's memory; it goes on when the child has left it.
fn wait_for_vfork(call: &Call<'_>) -> Outcome {
    let id = call.progress().done as u32;
    let child = call.unix.thread(id);
    let has_left = child.is_none_or(|child| child.vfork_parent.borrow().upgrade().is_none());
    if has_left { Ok(id.into()) } else { Err(Stop::wait(Restart::Uninterruptible)) }
}
