//! The line discipline, key by key: what can be read, what the screen shows, who is signalled.

use super::settings::{InputFlags, LocalFlags, OutputFlags, character};
use super::{Line, Request, Settings, Terminal};
use crate::errno::Errno;
use crate::file::{File, Ready, Status};
use crate::io::Filling;
use crate::signal::Signal;
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::vec::Vec;

/// Keeps what it is given, while it has room.
#[derive(Debug)]
struct Screen {
    shown: RefCell<Vec<u8>>,
    room: Cell<usize>,
}

impl Line for Screen {
    fn write(&self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room.get());
        self.room.set(self.room.get() - count);
        self.shown.borrow_mut().extend(&bytes[..count]);
        count
    }

    fn room(&self) -> usize {
        self.room.get()
    }
}

fn terminal() -> (Rc<Terminal>, Rc<Screen>) {
    let screen = Rc::new(Screen { shown: RefCell::default(), room: Cell::new(1 << 20) });
    let line: Rc<dyn Line> = screen.clone();
    let terminal = Terminal::new(line, Status::default());
    terminal.foreground.set(42);
    (terminal, screen)
}

fn read(terminal: &Terminal, most: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = std::vec![0; most];
    let count = terminal.read(0, &mut Filling::new(&mut bytes))?;
    bytes.truncate(count);
    Ok(bytes)
}

fn changed(terminal: &Terminal, change: impl FnOnce(&mut Settings)) {
    let mut settings = terminal.settings();
    change(&mut settings);
    terminal.set(settings, false);
}

fn raw(terminal: &Terminal, minimum: u8, time: u8) {
    changed(terminal, |settings| {
        settings.local -= LocalFlags::CANONICAL | LocalFlags::ECHO | LocalFlags::SIGNALS;
        settings.characters[character::MINIMUM] = minimum;
        settings.characters[character::TIME] = time;
    });
}

#[test]
fn a_line_is_there_when_it_is_complete_and_is_shown_as_it_is_typed() {
    let (terminal, screen) = terminal();
    terminal.receive(b"hel");
    assert_eq!(read(&terminal, 10), Err(Errno::EAGAIN));
    assert!(!terminal.ready().contains(Ready::IN));
    terminal.receive(b"lo\rnext\r");
    assert!(terminal.ready().contains(Ready::IN));
    assert_eq!(read(&terminal, 3).unwrap(), b"hel", "as much as fits");
    assert_eq!(read(&terminal, 100).unwrap(), b"lo\n", "never beyond the line");
    assert_eq!(read(&terminal, 100).unwrap(), b"next\n");
    assert_eq!(read(&terminal, 100), Err(Errno::EAGAIN));
    assert_eq!(*screen.shown.borrow(), b"hello\r\nnext\r\n");
}

#[test]
fn editing_takes_back_a_character_a_word_and_a_line() {
    let (terminal, screen) = terminal();
    terminal.receive(b"ab\x7fc\r");
    assert_eq!(read(&terminal, 10).unwrap(), b"ac\n");
    assert_eq!(*screen.shown.borrow(), b"ab\x08 \x08c\r\n");
    terminal.receive(b"one two  \x17three\r");
    assert_eq!(read(&terminal, 20).unwrap(), b"one three\n");
    terminal.receive(b"gone\x15kept\r");
    assert_eq!(read(&terminal, 20).unwrap(), b"kept\n");
    terminal.receive(b"\x7f\x7fx\x7f\x7f\r");
    assert_eq!(read(&terminal, 20).unwrap(), b"\n", "there is nothing before the beginning");
    screen.shown.borrow_mut().clear();
    terminal.receive(b"\x01\x7f");
    assert_eq!(*screen.shown.borrow(), b"^A\x08 \x08\x08 \x08", "a control character is two wide");
}

#[test]
fn a_literal_character_means_only_itself() {
    let (terminal, _) = terminal();
    terminal.receive(b"a\x16\x03\x16\x7f\x16\r\x16\x04b\r");
    assert_eq!(read(&terminal, 20).unwrap(), b"a\x03\x7f\r\x04b\n");
    assert_eq!(terminal.take_requests(), []);
}

#[test]
fn end_of_file_ends_a_line_without_being_in_it() {
    let (terminal, _) = terminal();
    terminal.receive(b"abc\x04");
    assert_eq!(read(&terminal, 10).unwrap(), b"abc");
    assert_eq!(read(&terminal, 10), Err(Errno::EAGAIN));
    terminal.receive(b"\x04def\r");
    assert_eq!(read(&terminal, 10).unwrap(), b"", "the end of the file");
    assert_eq!(read(&terminal, 10).unwrap(), b"def\n");
}

#[test]
fn three_characters_signal_the_foreground_and_drop_what_was_typed() {
    let (terminal, screen) = terminal();
    for (key, signal) in [(3, Signal::INTERRUPT), (28, Signal::QUIT), (26, Signal::TERMINAL_STOP)] {
        terminal.receive(b"line\rhalf");
        terminal.receive(&[key]);
        assert_eq!(terminal.take_requests(), [Request::Signal(42, signal)]);
        assert_eq!(read(&terminal, 10), Err(Errno::EAGAIN));
    }
    assert!(screen.shown.borrow().ends_with(b"half^Z"));
    changed(&terminal, |settings| settings.local |= LocalFlags::NO_FLUSH);
    terminal.receive(b"kept\r\x03");
    assert_eq!(read(&terminal, 10).unwrap(), b"kept\n");
    assert_eq!(terminal.take_requests().len(), 1);
    terminal.foreground.set(0);
    terminal.receive(b"\x03");
    assert_eq!(terminal.take_requests(), [], "there is nobody");
}

#[test]
fn without_lines_bytes_come_as_they_are_when_there_are_enough() {
    let (terminal, screen) = terminal();
    raw(&terminal, 3, 0);
    terminal.receive(b"\x03\r");
    assert_eq!(read(&terminal, 10), Err(Errno::EAGAIN), "two of three");
    assert_eq!(read(&terminal, 2).unwrap(), b"\x03\n", "who wants two has enough");
    terminal.receive(b"abcd");
    assert_eq!(read(&terminal, 10).unwrap(), b"abcd");
    assert_eq!((screen.shown.borrow().len(), terminal.take_requests()), (0, Vec::new()));
    raw(&terminal, 0, 0);
    assert_eq!(read(&terminal, 10).unwrap(), b"", "nobody waits");
    raw(&terminal, 0, 5);
    assert_eq!((read(&terminal, 10), terminal.read_limit()), (Err(Errno::EAGAIN), Some(500_000_000)));
}

#[test]
fn what_waits_stays_when_lines_begin_and_end() {
    let (terminal, _) = terminal();
    terminal.receive(b"line\rhalf");
    raw(&terminal, 1, 0);
    assert_eq!(read(&terminal, 20).unwrap(), b"line\nhalf");
    terminal.receive(b"typed early");
    changed(&terminal, |settings| settings.local |= LocalFlags::CANONICAL);
    assert_eq!(read(&terminal, 20).unwrap(), b"typed early", "as a line");
}

#[test]
fn output_is_made_lines_of_and_stops_where_it_is_told_to() {
    let (terminal, screen) = terminal();
    assert_eq!(terminal.write(0, &mut &b"a\nb\r\n"[..]), Ok(5));
    assert_eq!(*screen.shown.borrow(), b"a\r\nb\r\r\n");
    terminal.receive(b"\x13");
    assert_eq!(terminal.write(0, &mut &b"x"[..]), Err(Errno::EAGAIN));
    assert!(!terminal.ready().contains(Ready::OUT));
    terminal.receive(b"\x11");
    changed(&terminal, |settings| settings.output -= OutputFlags::PROCESS);
    screen.shown.borrow_mut().clear();
    assert_eq!(terminal.write(0, &mut &b"a\n"[..]), Ok(2));
    assert_eq!(*screen.shown.borrow(), b"a\n");
    screen.room.set(3);
    assert_eq!(terminal.write(0, &mut &b"abcdef"[..]), Ok(3), "what there is room for");
    assert_eq!(terminal.write(0, &mut &b"def"[..]), Err(Errno::EAGAIN));
}

#[test]
fn a_line_that_is_gone_ends_reading_and_fails_writing() {
    let (terminal, _) = terminal();
    terminal.session.set(7);
    terminal.hang_up();
    assert_eq!(read(&terminal, 10).unwrap(), b"");
    assert_eq!(terminal.write(0, &mut &b"x"[..]), Err(Errno::EIO));
    let told = [Request::Signal(42, Signal::HANGUP), Request::Signal(42, Signal::CONTINUE), Request::HungUp(7)];
    assert_eq!(terminal.take_requests(), told);
    terminal.hang_up();
    assert_eq!(terminal.take_requests(), [], "once");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn keys_and_settings_that_are_anything_harm_nobody(
        steps in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..40), any::<[u32; 3]>(), any::<u8>(), 0..50_usize), 1..30),
    ) {
        let (terminal, _) = terminal();
        for (keys, [input, output, local], special, most) in steps {
            terminal.receive(&keys);
            changed(&terminal, |settings| {
                settings.input = InputFlags::from_bits_retain(input);
                settings.output = OutputFlags::from_bits_retain(output);
                settings.local = LocalFlags::from_bits_retain(local);
                settings.characters[usize::from(special) % 19] = special;
            });
            if let Ok(bytes) = read(&terminal, most) {
                prop_assert!(bytes.len() <= most);
            }
            let _ = terminal.write(0, &mut keys.as_slice());
            prop_assert!(terminal.input.borrow().count() <= 8192);
        }
    }
}
