//! Shows consoles on the terminal while a machine runs.

use crate::machine::Watcher;
use exo_abi::console::Stream;
use std::io::Write;

/// Several environments share the terminal by lines that begin with their names; a single one has it to itself. One that has the
/// terminal in raw mode writes as it likes, and the others' lines come between.
#[derive(Debug)]
pub struct Printer {
    prefixed: bool,
    /// Who has the terminal in raw mode.
    session: Option<String>,
    /// Who wrote the unfinished last line.
    unfinished: Option<(String, Stream)>,
}

impl Printer {
    /// `prefixed`: lines begin with `name| `. `session` has the terminal in raw mode.
    #[must_use]
    pub fn new(prefixed: bool, session: Option<String>) -> Printer {
        Printer { prefixed, session, unfinished: None }
    }

    /// Ends a line that lacks its end, so that the next message stands alone.
    pub fn end_line(&mut self) {
        if self.unfinished.take().is_some() {
            println!();
        }
    }

    /// The bytes for the terminal: what `name` says next, whoever spoke last.
    fn render(&mut self, name: &str, stream: Stream, bytes: &[u8]) -> Vec<u8> {
        let mine = self.session.as_ref().is_some_and(|session| session == name && stream == Stream::Output);
        if mine || !self.prefixed {
            self.unfinished = (bytes.last() != Some(&b'\n')).then(|| (name.to_owned(), stream));
            return bytes.to_vec();
        }
        let mut rendered = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let mine = self.unfinished.as_ref().is_some_and(|(last, kind)| last == name && *kind == stream);
            if !mine {
                if self.unfinished.is_some() {
                    rendered.push(b'\n');
                }
                rendered.extend(format!("{name}| ").bytes());
            }
            rendered.extend(piece);
            self.unfinished = (piece.last() != Some(&b'\n')).then(|| (name.to_owned(), stream));
        }
        rendered
    }
}

impl Watcher for Printer {
    fn console(&mut self, name: &str, stream: Stream, bytes: &[u8]) {
        let mut rendered = self.render(name, stream, bytes);
        if self.session.as_ref().is_some_and(|session| session != name || stream != Stream::Output) {
            rendered = with_returns(&rendered);
        }
        // A reader that has gone is no reason to end the machine.
        let _reader_gone = if stream == Stream::Errors {
            std::io::stderr().write_all(&rendered)
        } else {
            let mut stdout = std::io::stdout();
            stdout.write_all(&rendered).and_then(|()| stdout.flush())
        };
    }
}

/// In raw mode a line's end does not go back to the beginning by itself.
fn with_returns(text: &[u8]) -> Vec<u8> {
    let mut with = Vec::with_capacity(text.len());
    for &byte in text {
        if byte == b'\n' {
            with.push(b'\r');
        }
        with.push(byte);
    }
    with
}

#[cfg(test)]
mod tests {
    use super::Printer;
    use exo_abi::console::Stream;

    #[test]
    fn lines_of_several_environments_do_not_mix() {
        let mut printer = Printer::new(true, None);
        let mut screen = Vec::new();
        for (name, bytes) in [("a", &b"one\ntw"[..]), ("b", b"x"), ("b", b"y\n"), ("a", b"o\n")] {
            screen.extend(printer.render(name, Stream::Output, bytes));
        }
        assert_eq!(screen, b"a| one\na| tw\nb| xy\na| o\n");
        let mut alone = Printer::new(false, None);
        assert_eq!(alone.render("a", Stream::Output, b"as\0it is"), b"as\0it is");
        let mut session = Printer::new(true, Some("a".to_owned()));
        assert_eq!(session.render("a", Stream::Output, b"\x1b[1m$ "), b"\x1b[1m$ ");
        assert_eq!(session.render("b", Stream::Output, b"here\n"), b"\nb| here\n");
        assert_eq!(session.render("a", Stream::Errors, b"log\n"), b"a| log\n");
        assert_eq!(super::with_returns(b"\nb| here\n"), b"\r\nb| here\r\n");
    }
}
