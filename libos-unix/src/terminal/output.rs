//! What becomes of bytes for the line.

use super::{LocalFlags, OutputFlags, Settings, Terminal};

/// Characters from one tab stop to the next.
const TAB: usize = 8;

impl Terminal {
    /// Sends bytes as the settings say; how many of them were taken.
    pub(super) fn put_processed(&self, bytes: &[u8]) -> usize {
        let flags = self.settings.get().output;
        if !flags.contains(OutputFlags::PROCESS) {
            return self.line.write(bytes);
        }
        let room = self.line.room();
        let mut sent = alloc::vec::Vec::with_capacity(bytes.len() + 16);
        let mut taken = 0;
        for &byte in bytes {
            // A byte becomes a tab's worth of spaces at most.
            if sent.len() + TAB > room {
                break;
            }
            self.process(flags, byte, &mut sent);
            taken += 1;
        }
        self.line.write(&sent);
        taken
    }

    fn process(&self, flags: OutputFlags, byte: u8, sent: &mut alloc::vec::Vec<u8>) {
        let column = self.column.get();
        match byte {
            b'\n' => {
                if flags.contains(OutputFlags::NL_TO_CRNL) {
                    sent.push(b'\r');
                    self.column.set(0);
                } else if flags.contains(OutputFlags::NL_RETURNS) {
                    self.column.set(0);
                }
                sent.push(b'\n');
            }
            b'\r' if flags.contains(OutputFlags::NO_CR) && column == 0 => {}
            b'\r' => {
                let newline = flags.contains(OutputFlags::CR_TO_NL);
                sent.push(if newline { b'\n' } else { b'\r' });
                self.column.set(0);
            }
            b'\t' => {
                let width = TAB - column % TAB;
                if flags.contains(OutputFlags::EXPAND_TABS) {
                    sent.extend(core::iter::repeat_n(b' ', width));
                } else {
                    sent.push(b'\t');
                }
                self.column.set(column + width);
            }
            8 => {
                sent.push(8);
                self.column.set(column.saturating_sub(1));
            }
            _ => {
                sent.push(byte);
                // Bytes that go on with a character take no room.
                if byte >= 0x20 && byte & 0xc0 != 0x80 {
                    self.column.set(column + 1);
                }
            }
        }
    }

    /// Sends bytes of the discipline's own.
    pub(super) fn put_plain(&self, bytes: &[u8]) {
        self.put_processed(bytes);
    }

    /// Shows a byte that was typed.
    pub(super) fn echo(&self, settings: &Settings, byte: u8) {
        let control = byte < 0x20 && byte != b'\t' && byte != b'\n' || byte == 0x7f;
        if control && settings.local.contains(LocalFlags::ECHO_CONTROL) {
            self.put_plain(&[b'^', byte ^ 0x40]);
        } else {
            self.put_plain(&[byte]);
        }
    }
}
