//! ioctl(2) on terminals, as far as it concerns no process (tty_ioctl(4)).

use super::settings::{Encoded, Settings};
use super::{LocalFlags, Terminal, WindowSize};
use crate::errno::{Errno, Result};
use crate::memory::UserMemory;

/// Requests by number.
#[allow(missing_docs)] // the names are tty_ioctl(4)'s
pub mod request {
    pub const TCGETS: u32 = 0x5401;
    pub const TCSETS: u32 = 0x5402;
    pub const TCSETSW: u32 = 0x5403;
    pub const TCSETSF: u32 = 0x5404;
    pub const TCGETA: u32 = 0x5405;
    pub const TCSBRK: u32 = 0x5409;
    pub const TCXONC: u32 = 0x540a;
    pub const TCFLSH: u32 = 0x540b;
    pub const TIOCEXCL: u32 = 0x540c;
    pub const TIOCNXCL: u32 = 0x540d;
    pub const TIOCSCTTY: u32 = 0x540e;
    pub const TIOCGPGRP: u32 = 0x540f;
    pub const TIOCSPGRP: u32 = 0x5410;
    pub const TIOCOUTQ: u32 = 0x5411;
    pub const TIOCSTI: u32 = 0x5412;
    pub const TIOCGWINSZ: u32 = 0x5413;
    pub const TIOCSWINSZ: u32 = 0x5414;
    pub const FIONREAD: u32 = 0x541b;
    pub const TIOCNOTTY: u32 = 0x5422;
    pub const TCSBRKP: u32 = 0x5425;
    pub const TIOCGSID: u32 = 0x5429;
    pub const TIOCGPTPEER: u32 = 0x5441;
    pub const TIOCGPTN: u32 = 0x8004_5430;
    pub const TIOCSPTLCK: u32 = 0x4004_5431;
    pub const TIOCSIG: u32 = 0x4004_5436;
    pub const TIOCGPTLCK: u32 = 0x8004_5439;
    pub const TCGETS2: u32 = 0x802c_542a;
    pub const TCSETS2: u32 = 0x402c_542b;
    pub const TCSETSW2: u32 = 0x402c_542c;
    pub const TCSETSF2: u32 = 0x402c_542d;
}

/// What struct termios2 has behind struct termios: both speeds.
const SPEEDS: [u32; 2] = [38_400; 2];

impl Terminal {
    /// Requests that concern the line and its settings.
    ///
    /// # Errors
    /// ENOTTY, EFAULT, EINVAL.
    pub(super) fn control_line(&self, number: u32, argument: u64, memory: &mut dyn UserMemory) -> Result<u64> {
        match number {
            request::TCGETS => memory.write(argument, &self.settings.get().encode())?,
            request::TCGETS2 => {
                memory.write(argument, &self.settings.get().encode())?;
                memory.write(argument.wrapping_add(36), &SPEEDS)?;
            }
            request::TCSETS | request::TCSETSW | request::TCSETS2 | request::TCSETSW2 => {
                let new: Encoded = memory.read(argument)?;
                self.set(Settings::decode(&new), false);
            }
            request::TCSETSF | request::TCSETSF2 => {
                let new: Encoded = memory.read(argument)?;
                self.set(Settings::decode(&new), true);
            }
            request::TIOCGWINSZ => {
                let WindowSize { rows, columns, pixels: [width, height] } = self.size.get();
                memory.write(argument, &[rows, columns, width, height])?;
            }
            request::TIOCSWINSZ => {
                let [rows, columns, width, height]: [u16; 4] = memory.read(argument)?;
                self.resize(WindowSize { rows, columns, pixels: [width, height] });
            }
            request::FIONREAD => {
                let input = self.input.borrow();
                let canonical = self.settings.get().local.contains(LocalFlags::CANONICAL);
                let count = if canonical && !input.has_line() { 0 } else { input.count() };
                drop(input);
                memory.write(argument, &(count as u32))?;
            }
            // What was written has left.
            request::TIOCOUTQ => memory.write(argument, &0_u32)?,
            request::TCSBRK | request::TCSBRKP | request::TIOCEXCL | request::TIOCNXCL => {}
            request::TCFLSH => match argument {
                0 | 2 => self.input.borrow_mut().clear(),
                1 => {}
                _ => return Err(Errno::EINVAL),
            },
            request::TCXONC => match argument {
                0 => self.stopped.set(true),
                1 => {
                    self.stopped.set(false);
                    self.queue.wake_all();
                }
                2 | 3 => {}
                _ => return Err(Errno::EINVAL),
            },
            request::TIOCSTI => return Err(Errno::EPERM),
            _ => return Err(Errno::ENOTTY),
        }
        Ok(0)
    }

    /// Replaces the settings.
    pub(super) fn set(&self, new: Settings, flush: bool) {
        let old = self.settings.replace(new);
        let mut input = self.input.borrow_mut();
        if flush {
            input.clear();
        }
        let canonical = new.local.contains(LocalFlags::CANONICAL);
        if old.local.contains(LocalFlags::CANONICAL) != canonical {
            input.change(canonical);
        }
        drop(input);
        self.queue.wake_all();
    }
}
