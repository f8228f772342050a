//! `run` on a terminal, as it is typed: a guest plays the Unix library OS that has it.

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OutputModes, Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A run in a window of 99 columns and 33 lines, seen from the other side of the glass.
pub(crate) struct Session {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    /// What the screen has shown.
    shown: String,
    /// The terminal as xtask has it.
    terminal: File,
}

impl Session {
    pub(crate) fn begin(manifest: &std::path::Path) -> std::io::Result<Session> {
        let keyboard = File::from(openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?);
        grantpt(&keyboard)?;
        unlockpt(&keyboard)?;
        let terminal = File::from(open(ptsname(&keyboard, Vec::new())?, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?);
        tcsetwinsize(&terminal, Winsize { ws_row: 33, ws_col: 99, ws_xpixel: 0, ws_ypixel: 0 })?;
        let mut cargo = xtask::cargo::host();
        cargo.args(["run", "--quiet", "--package", "xtask", "--", "run", "--manifest"]).arg(manifest);
        cargo.stdin(terminal.try_clone()?).stdout(terminal.try_clone()?).stderr(terminal.try_clone()?);
        let child = cargo.spawn()?;
        let (sender, screen) = channel();
        let mut glass = keyboard.try_clone()?;
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = glass.read(&mut buffer) {
                let _nobody_looks = sender.send(buffer[..length].to_vec());
            }
        });
        Ok(Session { child, keyboard, screen, shown: String::new(), terminal })
    }

    /// What was shown so far counts no more.
    pub(crate) fn forget(&mut self) {
        self.shown.clear();
    }

    /// Presses keys.
    pub(crate) fn types(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap_or_else(|error| panic!("cannot type: {error}"));
    }

    /// Waits until the screen has shown this.
    pub(crate) fn sees(&mut self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.shown.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("{text:?} is not on the screen:\n{}", self.shown),
            }
        }
    }

    fn modes(&self) -> std::io::Result<Termios> {
        Ok(tcgetattr(&self.terminal)?)
    }
}

#[test]
fn every_key_goes_to_the_guest_but_the_one_that_ends_the_run() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("manifest.toml");
    let text = "[[environment]]\nname = \"libos-unix\"\nimage = \"echo\"\ninput = true\n\
        [[environment]]\nname = \"other\"\nimage = \"hello\"\n";
    std::fs::write(&manifest, text).unwrap();
    let mut session = Session::begin(&manifest).unwrap();
    let before = session.modes().unwrap();
    session.sees("Ctrl-] ends the run");
    session.sees("type lines; interactive\n");
    session.sees("other| hello from other on cpu 0\r\n");
    let raw = session.modes().unwrap();
    assert!(!raw.local_modes.intersects(LocalModes::ICANON | LocalModes::ISIG | LocalModes::ECHO));
    assert!(!raw.output_modes.contains(OutputModes::OPOST));
    session.keyboard.write_all(b"a\x03\x1a\x04\x1e\r").unwrap();
    session.sees("window 99 33\n");
    session.sees("you typed: a\x03\x1a\x04\x1e\n");
    session.keyboard.write_all(b"\x1d").unwrap();
    assert_eq!(session.child.wait().unwrap().code(), Some(130));
    let after = session.modes().unwrap();
    assert_eq!((after.local_modes, after.output_modes), (before.local_modes, before.output_modes));
    assert_eq!((after.input_modes, after.control_modes), (before.input_modes, before.control_modes));
}
