//! Terminals and the processes that they control (POSIX, 11.1).

use super::Unix;
use crate::errno::Errno;
use crate::file::{OpenFlags, Status};
use crate::process::Process;
use crate::signal::{Information, Signal};
use crate::syscall::{Call, Outcome, Restart, Stop};
use crate::terminal::{LocalFlags, Master, Request, Terminal, request};
use alloc::rc::Rc;

impl Unix {
    /// A terminal that processes can have as theirs.
    pub fn add_terminal(&self, terminal: &Rc<Terminal>) {
        let mut terminals = self.terminals.borrow_mut();
        terminals.retain(|terminal| terminal.strong_count() != 0);
        terminals.push(Rc::downgrade(terminal));
    }

    /// The controlling terminal of a session.
    #[must_use]
    pub fn terminal_of(&self, session: u32) -> Option<Rc<Terminal>> {
        let terminals = self.terminals.borrow();
        terminals.iter().filter_map(alloc::rc::Weak::upgrade).find(|terminal| terminal.session.get() == session)
    }

    /// Does what terminals have asked for.
    pub fn serve_terminals(&self) {
        let terminals: alloc::vec::Vec<Rc<Terminal>> =
            self.terminals.borrow().iter().filter_map(alloc::rc::Weak::upgrade).collect();
        for terminal in terminals {
            for request in terminal.take_requests() {
                match request {
                    Request::Signal(group, signal) => self.send_to_group(group, signal),
                    Request::HungUp(session) => self.lose_terminal(&terminal, session),
                }
            }
        }
    }

    /// A terminal's line is gone: it is nobody's any more.
    fn lose_terminal(&self, terminal: &Terminal, session: u32) {
        if let Some(leader) = self.process(session).filter(|_| session != 0) {
            self.send(&leader, Information::kernel(Signal::HANGUP));
            self.send(&leader, Information::kernel(Signal::CONTINUE));
        }
        terminal.session.set(0);
        terminal.foreground.set(0);
    }

    /// Makes a pseudo terminal; its master.
    ///
    /// # Errors
    /// ENOSPC where there are too many.
    pub fn make_pseudo_terminal(&self, status: Status, user: u32) -> Result<Rc<Master>, Errno> {
        const MOST: u32 = 1024;
        let mut masters = self.pseudo_terminals.borrow_mut();
        masters.retain(|_, master| master.strong_count() != 0);
        let number = (0..MOST).find(|number| !masters.contains_key(number)).ok_or(Errno::ENOSPC)?;
        let master = Master::new(number, status, user);
        masters.insert(number, Rc::downgrade(&master));
        drop(masters);
        self.add_terminal(master.terminal());
        Ok(master)
    }

    /// The master of a pseudo terminal that is open.
    #[must_use]
    pub fn master(&self, number: u32) -> Option<Rc<Master>> {
        self.pseudo_terminals.borrow().get(&number).and_then(alloc::rc::Weak::upgrade)
    }

    /// The numbers of all pseudo terminals that are open.
    #[must_use]
    pub fn masters(&self) -> alloc::vec::Vec<u32> {
        let masters = self.pseudo_terminals.borrow();
        masters.iter().filter(|(_, master)| master.strong_count() != 0).map(|(&number, _)| number).collect()
    }

    /// Opens a terminal for a process: one that leads a session without a terminal gets it as its own.
    pub fn open_terminal(&self, process: &Process, terminal: &Terminal, flags: OpenFlags) {
        if !flags.contains(OpenFlags::NOCTTY) {
            self.take_terminal(process, terminal);
        }
    }

    /// Makes a terminal that of a session, where the caller leads it and has none yet.
    pub fn take_terminal(&self, process: &Process, terminal: &Terminal) {
        let leads = process.session.get() == process.id;
        if leads && terminal.session.get() == 0 && self.terminal_of(process.session.get()).is_none() {
            terminal.session.set(process.session.get());
            terminal.foreground.set(process.group.get());
        }
    }

    /// Whether a process may use its terminal from where it is; a process in the background is stopped, and its call made again.
    pub(super) fn check_foreground(&self, call: &Call<'_>, terminal: &Terminal, signal: Signal) -> Result<(), Stop> {
        let process = call.process();
        let group = process.group.get();
        if terminal.session.get() != process.session.get() || [group, 0].contains(&terminal.foreground.get()) {
            return Ok(());
        }
        let blocked = call.thread.mask.get().contains(signal);
        let ignored = process.actions.borrow().borrow().ignores(signal);
        let reading = signal == Signal::TERMINAL_INPUT;
        if blocked || ignored {
            return if reading { Err(Errno::EIO.into()) } else { Ok(()) };
        }
        if self.is_orphaned(group) {
            return Err(Errno::EIO.into());
        }
        for member in self.group(group) {
            self.send(&member, Information::kernel(signal));
        }
        Err(Stop::wait(Restart::IfAsked))
    }

    /// Requests that concern processes; `None` of others.
    pub fn control_terminal(
        &self,
        call: &Call<'_>,
        terminal: &Terminal,
        number: u32,
        argument: u64,
    ) -> Option<Outcome> {
        let changes = matches!(
            number,
            request::TCSETS
                | request::TCSETSW
                | request::TCSETSF
                | request::TCSETS2
                | request::TCSETSW2
                | request::TCSETSF2
                | request::TCFLSH
                | request::TCSBRK
                | request::TIOCSPGRP
        );
        if changes && let Err(stop) = self.check_foreground(call, terminal, Signal::TERMINAL_OUTPUT) {
            return Some(Err(stop));
        }
        let process = call.process();
        let own = terminal.session.get() == process.session.get();
        match number {
            request::TIOCGPGRP | request::TIOCGSID if !own => Some(Err(Errno::ENOTTY.into())),
            request::TIOCGPGRP => Some(write(call, argument, terminal.foreground.get())),
            request::TIOCGSID => Some(write(call, argument, terminal.session.get())),
            request::TIOCSPGRP if !own => Some(Err(Errno::ENOTTY.into())),
            request::TIOCSPGRP => Some(self.set_foreground(call, terminal, argument)),
            request::TIOCSCTTY => Some(self.set_controlling(process, terminal)),
            request::TIOCNOTTY if !own => Some(Err(Errno::ENOTTY.into())),
            request::TIOCNOTTY => {
                if process.session.get() == process.id {
                    self.give_terminal_up(process);
                }
                Some(Ok(0))
            }
            _ => None,
        }
    }

    fn set_foreground(&self, call: &Call<'_>, terminal: &Terminal, argument: u64) -> Outcome {
        let group: u32 = call.read(argument)?;
        if group.cast_signed() < 0 {
            return Err(Errno::EINVAL.into());
        }
        let session = call.process().session.get();
        match self.group(group).first() {
            None => Err(Errno::ESRCH.into()),
            Some(member) if member.session.get() != session => Err(Errno::EPERM.into()),
            Some(_) => {
                terminal.foreground.set(group);
                Ok(0)
            }
        }
    }

    fn set_controlling(&self, process: &Process, terminal: &Terminal) -> Outcome {
        let session = process.session.get();
        if terminal.session.get() == session && session == process.id {
            return Ok(0);
        }
        if session != process.id || terminal.session.get() != 0 || self.terminal_of(session).is_some() {
            return Err(Errno::EPERM.into());
        }
        self.take_terminal(process, terminal);
        Ok(0)
    }

    /// A session's leader ends, or gives its terminal up: the foreground is told, and nobody has the terminal.
    pub(super) fn give_terminal_up(&self, leader: &Process) {
        let Some(terminal) = self.terminal_of(leader.session.get()) else { return };
        let foreground = terminal.foreground.replace(0);
        terminal.session.set(0);
        if foreground != 0 {
            for process in self.group(foreground).iter().filter(|process| process.id != leader.id) {
                self.send(process, Information::kernel(Signal::HANGUP));
                self.send(process, Information::kernel(Signal::CONTINUE));
            }
        }
    }

    /// What job control has to say to reading and writing.
    pub(super) fn check_terminal(&self, call: &Call<'_>, terminal: &Terminal, reading: bool) -> Result<(), Stop> {
        if reading {
            return self.check_foreground(call, terminal, Signal::TERMINAL_INPUT);
        }
        if terminal.settings().local.contains(LocalFlags::STOP_OUTPUT) {
            return self.check_foreground(call, terminal, Signal::TERMINAL_OUTPUT);
        }
        Ok(())
    }
}

fn write(call: &Call<'_>, at: u64, value: u32) -> Outcome {
    call.write(at, &value)?;
    Ok(0)
}
