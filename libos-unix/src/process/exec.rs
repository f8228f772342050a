//! Another program in the same process: execve(2).

use super::image::Image;
use super::stack::{self, Arguments, Facts};
use super::{Process, Resource, Thread};
use crate::errno::{Errno, Result};
use crate::file::{Credentials, File};
use crate::fs::NodeFile;
use crate::io::Filling;
use crate::machine::{self, Registers};
use crate::memory::{AddressSpace, USER_END, round_up};
use crate::unix::Unix;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

/// Scripts that name scripts, at most (Linux: BINPRM_MAX_RECURSION).
const MOST_SCRIPTS: usize = 5;
/// Bytes in which a script's first line must end (Linux: BINPRM_BUF_SIZE).
const FIRST_LINE: usize = 256;

/// Finds programs: the file at a path, which the caller may execute.
pub trait FindProgram {
    /// The file.
    ///
    /// # Errors
    /// As the path's walk says; EACCES where it cannot be executed.
    fn find(&self, path: &[u8]) -> Result<Rc<dyn File>>;
}

/// What is about to run.
struct Prepared {
    space: AddressSpace,
    registers: Registers,
    credentials: Option<Credentials>,
    name: [u8; 16],
    path: Vec<u8>,
    program: Rc<dyn File>,
}

/// Runs a program in a thread's process. On success the caller is gone: its registers are the new program's.
///
/// # Errors
/// As execve(2) says; then everything is as it was.
pub fn execute(
    unix: &Unix,
    thread: &Rc<Thread>,
    path: &[u8],
    file: Rc<dyn File>,
    arguments: Arguments,
    find: &dyn FindProgram,
) -> Result<()> {
    let mut prepared = prepare(thread, path, file, arguments, find)?;
    // Where it is, whatever it was called by.
    let node = prepared.program.as_any().downcast_ref::<NodeFile>();
    if let Some(path) = node.and_then(|node| unix.names_of_files().path_of_file(node.place())) {
        prepared.path = path;
    }
    become_program(unix, thread, prepared);
    Ok(())
}

fn prepare(
    thread: &Rc<Thread>,
    path: &[u8],
    mut file: Rc<dyn File>,
    mut arguments: Arguments,
    find: &dyn FindProgram,
) -> Result<Prepared> {
    let mut name = path.to_vec();
    let mut scripts = 0;
    while let Some((interpreter, argument)) = script(&*file)? {
        scripts += 1;
        if scripts > MOST_SCRIPTS {
            return Err(Errno::ELOOP);
        }
        // The name that the script was called by becomes its path.
        if !arguments.arguments.is_empty() {
            arguments.arguments.remove(0);
        }
        let front = [Some(interpreter.clone()), argument, Some(name)];
        arguments.arguments.splice(0..0, front.into_iter().flatten());
        file = find.find(&interpreter)?;
        name = interpreter;
    }
    let writers = file.as_any().downcast_ref::<NodeFile>().and_then(|node| node.place().inode.writers());
    if writers.is_some_and(|writers| writers.get() != 0) {
        return Err(Errno::ETXTBSY);
    }
    let image = Image::read(&file)?;
    let limits = thread.process.limits.get();
    let mut space = AddressSpace::new()?;
    space.stack_limit = limits.soft(Resource::Stack);
    let program = image.place(&mut space, true)?;
    let interpreter = match &image.interpreter {
        None => None,
        Some(path) => Some(Image::read(&find.find(path)?)?.place(&mut space, false)?),
    };
    let old = Rc::clone(&thread.credentials.borrow());
    let credentials = elevated(&old, thread.process.no_new_privileges.get(), &*file);
    let mut random = [0; 16];
    crate::random::fill(&mut Filling::new(&mut random))?;
    let is_secure = credentials.is_some();
    let heap = round_up(program.end).ok_or(Errno::ENOMEM)?;
    (space.layout.code, space.layout.data, space.layout.heap) = (program.code, program.data, (heap, heap));
    let facts =
        Facts { credentials: credentials.as_ref().unwrap_or(&old), is_secure, path, program, interpreter, random };
    let rsp = stack::build(&mut space, &arguments, &facts, image.wants_executable_stack())?;
    (space.limit, space.data_limit) = (limits.soft(Resource::AddressSpace), limits.soft(Resource::Data));
    // Where no program can be, it faults as a program; the instruction that goes there must not.
    let entry = interpreter.unwrap_or(program).entry.min(USER_END);
    let registers = Registers::in_ring_3(entry, rsp);
    let name = short_name(path);
    Ok(Prepared { space, registers, credentials, name, path: path.to_vec(), program: file })
}

/// What a script's first line names: an interpreter, and an argument for it.
type FirstLine = (Vec<u8>, Option<Vec<u8>>);

/// What the first line of a script says; `None` of what is no script.
fn script(file: &dyn File) -> Result<Option<FirstLine>> {
    let mut line = [0; FIRST_LINE];
    let length = file.read(0, &mut Filling::new(&mut line))?;
    let line = &line[..length];
    let Some(rest) = line.strip_prefix(b"#!") else { return Ok(None) };
    let end = rest.iter().position(|&byte| byte == b'\n');
    let rest = match end {
        Some(end) => &rest[..end],
        // A path that was cut off would be another path.
        None if length == FIRST_LINE && !rest.trim_ascii_start().iter().any(|byte| matches!(byte, b' ' | b'\t')) => {
            return Err(Errno::ENOEXEC);
        }
        None => rest,
    };
    let rest = rest.trim_ascii();
    let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\t' | 0)).unwrap_or(rest.len());
    let (interpreter, argument) = rest.split_at(end);
    if interpreter.is_empty() {
        return Err(Errno::ENOEXEC);
    }
    let argument = argument.trim_ascii();
    Ok(Some((interpreter.to_vec(), (!argument.is_empty()).then(|| argument.to_vec()))))
}

/// Whose rights the program runs with, where its file says other than the caller's.
fn elevated(old: &Credentials, forbidden: bool, file: &dyn File) -> Option<Credentials> {
    const SET_USER: u32 = 0o4000;
    const SET_GROUP: u32 = 0o2010;
    let status = file.status();
    let mut new = old.clone();
    if status.permissions & SET_USER != 0 {
        (new.user[1], new.user[2], new.user[3]) = (status.user, status.user, status.user);
    }
    if status.permissions & SET_GROUP == SET_GROUP {
        (new.group[1], new.group[2], new.group[3]) = (status.group, status.group, status.group);
    }
    (new != *old && !forbidden).then_some(new)
}

/// The point of no return.
fn become_program(unix: &Unix, thread: &Rc<Thread>, prepared: Prepared) {
    let process: &Rc<Process> = &thread.process;
    unix.end_others(thread);
    unix.take_leader_id(thread);
    unix.leave_space(thread);
    let before = thread.space.replace(Rc::new(RefCell::new(prepared.space)));
    // Handlers were functions of the other program, and nobody shares what they are now.
    let mut actions = process.actions.borrow().borrow().clone();
    actions.reset_handlers();
    *process.actions.borrow_mut() = Rc::new(RefCell::new(actions));
    let own = thread.files.borrow().borrow().clone();
    *thread.files.borrow_mut() = Rc::new(RefCell::new(own));
    let closed = thread.files.borrow().borrow_mut().take_for_exec();
    closed.into_iter().for_each(|description| unix.close(process, description));
    if let Some(credentials) = prepared.credentials {
        *thread.credentials.borrow_mut() = Rc::new(credentials);
        process.parent_death_signal.set(0);
    }
    thread.alternate_stack.set(super::AlternateStack::default());
    thread.robust_list.set(0);
    thread.name.set(prepared.name);
    process.timers.clear();
    process.has_executed.set(true);
    process.exit_signal.set(crate::signal::Signal::CHILD.number().into());
    *process.program.borrow_mut() = prepared.path.into();
    process.image.replace(Some(prepared.program));
    thread.context.set_registers(&prepared.registers);
    thread.context.reset_vector_state();
    thread.context.set_fs_base(0);
    thread.context.set_gs_base(0);
    unix.activate(thread);
    machine::restore(&thread.context);
    // Only now: its page table was in force.
    drop(before);
}

/// The last part of a path, as far as it goes.
#[must_use]
pub fn short_name(path: &[u8]) -> [u8; 16] {
    let last = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let mut name = [0; 16];
    let length = last.len().min(15);
    name[..length].copy_from_slice(&last[..length]);
    name
}
