//! struct termios.

use zerocopy::{FromBytes, Immutable, IntoBytes};

bitflags::bitflags! {
    /// c_iflag.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct InputFlags: u32 {
        /// The eighth bit is cut.
        const STRIP = 0o40;
        /// NL becomes CR.
        const NL_TO_CR = 0o100;
        /// CR is nothing.
        const IGNORE_CR = 0o200;
        /// CR becomes NL.
        const CR_TO_NL = 0o400;
        /// Output stops and goes on by characters.
        const FLOW = 0o2000;
        /// It goes on by any.
        const FLOW_ANY = 0o4000;
        /// A bell where there is no room.
        const BELL = 0o20000;
        /// Characters are UTF-8.
        const UTF8 = 0o40000;
        /// Others, kept as they are.
        const _ = !0;
    }

    /// c_oflag.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OutputFlags: u32 {
        /// The others mean something.
        const PROCESS = 0o1;
        /// NL becomes CR NL.
        const NL_TO_CRNL = 0o4;
        /// CR becomes NL.
        const CR_TO_NL = 0o10;
        /// No CR at the beginning of a line.
        const NO_CR = 0o20;
        /// NL does what CR does.
        const NL_RETURNS = 0o40;
        /// Tabs become spaces.
        const EXPAND_TABS = 0o14000;
        /// Others, kept as they are.
        const _ = !0;
    }

    /// c_lflag.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LocalFlags: u32 {
        /// Characters send signals.
        const SIGNALS = 0o1;
        /// Lines are edited.
        const CANONICAL = 0o2;
        /// What is typed is shown.
        const ECHO = 0o10;
        /// Erased characters disappear.
        const ECHO_ERASE = 0o20;
        /// A killed line is followed by NL.
        const ECHO_KILL = 0o40;
        /// NL is shown whatever else is.
        const ECHO_NL = 0o100;
        /// Signals leave what was typed.
        const NO_FLUSH = 0o200;
        /// Writing from the background stops.
        const STOP_OUTPUT = 0o400;
        /// Control characters are shown as ^X.
        const ECHO_CONTROL = 0o1000;
        /// A killed line disappears.
        const ECHO_KILL_ERASE = 0o4000;
        /// More editing characters.
        const EXTENDED = 0o100_000;
        /// Others, kept as they are.
        const _ = !0;
    }
}

/// Where characters are in c_cc.
pub(super) mod character {
    pub(crate) const INTERRUPT: usize = 0;
    pub(crate) const QUIT: usize = 1;
    pub(crate) const ERASE: usize = 2;
    pub(crate) const KILL: usize = 3;
    pub(crate) const END_OF_FILE: usize = 4;
    pub(crate) const TIME: usize = 5;
    pub(crate) const MINIMUM: usize = 6;
    pub(crate) const START: usize = 8;
    pub(crate) const STOP: usize = 9;
    pub(crate) const SUSPEND: usize = 10;
    pub(crate) const END_OF_LINE: usize = 11;
    pub(crate) const REPRINT: usize = 12;
    pub(crate) const WORD_ERASE: usize = 14;
    pub(crate) const LITERAL: usize = 15;
    pub(crate) const END_OF_LINE_2: usize = 16;
}

/// How a terminal behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What becomes of bytes from the line.
    pub input: InputFlags,
    /// What becomes of bytes for the line.
    pub output: OutputFlags,
    /// Speeds and sizes, which a line of this kind has not.
    pub control: u32,
    /// Everything else.
    pub local: LocalFlags,
    /// The discipline's number.
    pub discipline: u8,
    /// Characters that mean something.
    pub characters: [u8; 19],
}

impl Default for Settings {
    /// As Linux has it for a new terminal (`tty_std_termios`).
    fn default() -> Self {
        let mut characters = [0; 19];
        let set = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0];
        characters[..set.len()].copy_from_slice(&set);
        Self {
            input: InputFlags::CR_TO_NL | InputFlags::FLOW,
            output: OutputFlags::PROCESS | OutputFlags::NL_TO_CRNL,
            // 38400 baud, 8 bits, receiver on, hang-up on close.
            control: 0o2277,
            local: LocalFlags::SIGNALS
                | LocalFlags::CANONICAL
                | LocalFlags::ECHO
                | LocalFlags::ECHO_ERASE
                | LocalFlags::ECHO_KILL
                | LocalFlags::ECHO_CONTROL
                | LocalFlags::ECHO_KILL_ERASE
                | LocalFlags::EXTENDED,
            discipline: 0,
            characters,
        }
    }
}

/// struct termios of the system call: 36 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct Encoded {
    flags: [u32; 4],
    discipline: u8,
    characters: [u8; 19],
}

const _: () = assert!(size_of::<Encoded>() == 36);

impl Settings {
    pub(super) const fn minimum(&self) -> u8 {
        self.characters[character::MINIMUM]
    }

    pub(super) const fn time(&self) -> u8 {
        self.characters[character::TIME]
    }

    /// Whether a byte is a character that means something; 0 is none.
    pub(super) const fn is(&self, byte: u8, which: usize) -> bool {
        byte != 0 && self.characters[which] == byte
    }

    pub(super) const fn encode(&self) -> Encoded {
        let flags = [self.input.bits(), self.output.bits(), self.control, self.local.bits()];
        Encoded { flags, discipline: self.discipline, characters: self.characters }
    }

    pub(super) const fn decode(encoded: &Encoded) -> Self {
        let [input, output, control, local] = encoded.flags;
        Self {
            input: InputFlags::from_bits_retain(input),
            output: OutputFlags::from_bits_retain(output),
            control,
            local: LocalFlags::from_bits_retain(local),
            discipline: encoded.discipline,
            characters: encoded.characters,
        }
    }
}
