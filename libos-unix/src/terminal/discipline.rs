//! What becomes of bytes that come from the line.

use super::settings::character as special;
use super::{InputFlags, LocalFlags, Settings, Terminal};
use crate::signal::Signal;

impl Terminal {
    /// Bytes that may come now. Where a line is being edited there is always room: what is too much for it is lost.
    pub(super) fn input_room(&self) -> usize {
        let input = self.input.borrow();
        let canonical = self.settings.get().local.contains(LocalFlags::CANONICAL);
        if canonical && !input.has_line() { usize::MAX } else { input.room() }
    }

    /// Bytes have come from the line.
    pub fn receive(&self, bytes: &[u8]) {
        for &byte in bytes {
            self.receive_one(byte);
        }
        self.queue.wake_all();
    }

    fn receive_one(&self, byte: u8) {
        let settings = self.settings.get();
        let (flags, local) = (settings.input, settings.local);
        let mut byte = if flags.contains(InputFlags::STRIP) { byte & 0x7f } else { byte };
        let literal = core::mem::take(&mut self.input.borrow_mut().literal);
        if literal {
            return self.accept(&settings, byte);
        }
        if flags.contains(InputFlags::FLOW) && self.flow(&settings, byte) {
            return;
        }
        if local.contains(LocalFlags::SIGNALS) && self.signal(&settings, byte) {
            return;
        }
        match byte {
            b'\r' if flags.contains(InputFlags::IGNORE_CR) => return,
            b'\r' if flags.contains(InputFlags::CR_TO_NL) => byte = b'\n',
            b'\n' if flags.contains(InputFlags::NL_TO_CR) => byte = b'\r',
            _ => {}
        }
        if local.contains(LocalFlags::CANONICAL) && self.edit(&settings, byte) {
            return;
        }
        self.accept(&settings, byte);
    }

    /// Output stops and goes on.
    fn flow(&self, settings: &Settings, byte: u8) -> bool {
        if settings.is(byte, special::START) {
            self.stopped.set(false);
            return true;
        }
        if settings.is(byte, special::STOP) {
            self.stopped.set(true);
            return true;
        }
        if settings.input.contains(InputFlags::FLOW_ANY) {
            self.stopped.set(false);
        }
        false
    }

    fn signal(&self, settings: &Settings, byte: u8) -> bool {
        let signals = [
            (special::INTERRUPT, Signal::INTERRUPT),
            (special::QUIT, Signal::QUIT),
            (special::SUSPEND, Signal::TERMINAL_STOP),
        ];
        let Some((_, signal)) = signals.into_iter().find(|(which, _)| settings.is(byte, *which)) else { return false };
        if !settings.local.contains(LocalFlags::NO_FLUSH) {
            self.input.borrow_mut().clear();
        }
        self.stopped.set(false);
        if settings.local.contains(LocalFlags::ECHO) {
            self.echo(settings, byte);
        }
        self.ask(signal);
        true
    }

    /// Characters that edit the line, or end it; whether it was one.
    fn edit(&self, settings: &Settings, byte: u8) -> bool {
        let local = settings.local;
        let extended = local.contains(LocalFlags::EXTENDED);
        if settings.is(byte, special::ERASE) {
            self.erase_one(settings);
        } else if extended && settings.is(byte, special::WORD_ERASE) {
            self.erase_word(settings);
        } else if settings.is(byte, special::KILL) {
            self.kill(settings, byte);
        } else if extended && settings.is(byte, special::LITERAL) {
            self.input.borrow_mut().literal = true;
            if local.contains(LocalFlags::ECHO | LocalFlags::ECHO_CONTROL) {
                self.put_plain(b"^\x08");
            }
        } else if extended && settings.is(byte, special::REPRINT) {
            self.reprint(settings, byte);
        } else if settings.is(byte, special::END_OF_FILE) {
            self.input.borrow_mut().end_line();
        } else if byte == b'\n'
            || settings.is(byte, special::END_OF_LINE)
            || (extended && settings.is(byte, special::END_OF_LINE_2))
        {
            if local.contains(LocalFlags::ECHO) || (byte == b'\n' && local.contains(LocalFlags::ECHO_NL)) {
                self.echo(settings, byte);
            }
            let mut input = self.input.borrow_mut();
            input.edited.push(byte);
            input.end_line();
        } else {
            return false;
        }
        true
    }

    /// A byte that is only itself.
    fn accept(&self, settings: &Settings, byte: u8) {
        let full = self.input.borrow().is_full();
        if full {
            if settings.input.contains(InputFlags::BELL) {
                self.put_plain(b"\x07");
            }
            return;
        }
        if settings.local.contains(LocalFlags::ECHO) {
            self.echo(settings, byte);
        }
        let mut input = self.input.borrow_mut();
        if settings.local.contains(LocalFlags::CANONICAL) {
            input.edited.push(byte);
        } else {
            input.push(byte);
        }
    }

    /// Takes the last character out of the line; whether there was one, and how wide it is shown.
    fn take_last(&self, settings: &Settings) -> Option<usize> {
        let mut input = self.input.borrow_mut();
        let mut last = input.edited.pop()?;
        if settings.input.contains(InputFlags::UTF8) {
            while last & 0xc0 == 0x80 {
                let Some(before) = input.edited.pop() else { break };
                last = before;
            }
        }
        let control = last < 0x20 || last == 0x7f;
        let shown = settings.local.contains(LocalFlags::ECHO_CONTROL) && last != b'\t';
        Some(match (control, shown) {
            (true, true) => 2,
            (true, false) => 0,
            (false, _) => 1,
        })
    }

    fn wipe(&self, settings: &Settings, width: usize) {
        if settings.local.contains(LocalFlags::ECHO) {
            if settings.local.contains(LocalFlags::ECHO_ERASE) {
                (0..width).for_each(|_| self.put_plain(b"\x08 \x08"));
            } else {
                self.echo(settings, settings.characters[special::ERASE]);
            }
        }
    }

    fn erase_one(&self, settings: &Settings) {
        if let Some(width) = self.take_last(settings) {
            self.wipe(settings, width);
        }
    }

    fn erase_word(&self, settings: &Settings) {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let last = |terminal: &Self| terminal.input.borrow().edited.last().copied();
        let mut in_word = false;
        while let Some(byte) = last(self) {
            if in_word && !is_word(byte) {
                return;
            }
            in_word |= is_word(byte);
            self.erase_one(settings);
        }
    }

    fn kill(&self, settings: &Settings, byte: u8) {
        let local = settings.local;
        if local.contains(LocalFlags::ECHO | LocalFlags::ECHO_KILL_ERASE | LocalFlags::ECHO_ERASE) {
            while let Some(width) = self.take_last(settings) {
                self.wipe(settings, width);
            }
            return;
        }
        self.input.borrow_mut().edited.clear();
        if local.contains(LocalFlags::ECHO) {
            self.echo(settings, byte);
            if local.contains(LocalFlags::ECHO_KILL) {
                self.echo(settings, b'\n');
            }
        }
    }

    fn reprint(&self, settings: &Settings, byte: u8) {
        self.echo(settings, byte);
        self.echo(settings, b'\n');
        let line = self.input.borrow().edited.clone();
        line.into_iter().for_each(|byte| self.echo(settings, byte));
    }
}
