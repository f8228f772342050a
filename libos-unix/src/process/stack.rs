//! The stack that a program begins with: arguments, environment and the auxiliary vector (System V ABI AMD64, 3.4.1).

use super::image::Placed;
use crate::errno::{Errno, Result};
use crate::file::Credentials;
use crate::machine;
use crate::memory::{AddressSpace, Backing, MapFlags, MapRequest, PAGE, Protection, USER_END, UserMemory};
use alloc::vec::Vec;

/// What a program is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Its arguments, the first being its name.
    pub arguments: Vec<Vec<u8>>,
    /// Its environment.
    pub environment: Vec<Vec<u8>>,
}

impl Arguments {
    /// Bytes that they take, pointers included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let each = |strings: &[Vec<u8>]| strings.iter().map(|string| string.len() as u64 + 9).sum::<u64>();
        each(&self.arguments) + each(&self.environment)
    }
}

/// What the auxiliary vector says beside addresses.
#[derive(Clone, Debug)]
pub struct Facts<'f> {
    /// Who runs the program.
    pub credentials: &'f Credentials,
    /// It runs with more rights than who started it.
    pub is_secure: bool,
    /// Its path.
    pub path: &'f [u8],
    /// The program, and its interpreter if it has one.
    pub program: Placed,
    /// Its interpreter.
    pub interpreter: Option<Placed>,
    /// Bytes of chance.
    pub random: [u8; 16],
}

/// Types of the auxiliary vector (getauxval(3)).
mod auxiliary {
    pub(super) const NULL: u64 = 0;
    pub(super) const PHDR: u64 = 3;
    pub(super) const PHENT: u64 = 4;
    pub(super) const PHNUM: u64 = 5;
    pub(super) const PAGESZ: u64 = 6;
    pub(super) const BASE: u64 = 7;
    pub(super) const FLAGS: u64 = 8;
    pub(super) const ENTRY: u64 = 9;
    pub(super) const UID: u64 = 11;
    pub(super) const EUID: u64 = 12;
    pub(super) const GID: u64 = 13;
    pub(super) const EGID: u64 = 14;
    pub(super) const PLATFORM: u64 = 15;
    pub(super) const HWCAP: u64 = 16;
    pub(super) const CLKTCK: u64 = 17;
    pub(super) const SECURE: u64 = 23;
    pub(super) const RANDOM: u64 = 25;
    pub(super) const EXECFN: u64 = 31;
    pub(super) const MINSIGSTKSZ: u64 = 51;
}

/// Bytes of stack that there are at first; it grows.
const FIRST: u64 = 33 * PAGE;

/// Strings that lie in one piece, growing downwards from an address.
struct Strings {
    top: u64,
    bytes: Vec<u8>,
}

impl Strings {
    /// Puts a string, or bytes, in front of the others; where it will be. `bytes` are kept backwards.
    fn push(&mut self, string: &[u8], terminate: bool) -> u64 {
        if terminate {
            self.bytes.push(0);
        }
        self.bytes.extend(string.iter().rev());
        self.top - self.bytes.len() as u64
    }
}

/// Makes the stack, and fills it; the stack pointer at the first instruction. The layout of the space is completed.
///
/// # Errors
/// E2BIG, ENOMEM.
pub fn build(space: &mut AddressSpace, given: &Arguments, facts: &Facts<'_>, executable: bool) -> Result<u64> {
    if given.bytes() > (space.stack_limit / 4).clamp(32 * PAGE, 6 << 20) {
        return Err(Errno::E2BIG);
    }
    let mut protection = Protection::READ | Protection::WRITE;
    protection.set(Protection::EXECUTE, executable);
    let bytes = FIRST.max(given.bytes().next_multiple_of(PAGE) + FIRST).min(USER_END / 2);
    let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::GROWSDOWN;
    let (most, backing) = (Protection::all(), Backing::Zeros);
    space.map(MapRequest { address: USER_END - bytes, bytes, protection, most, flags, backing })?;

    let mut strings = Strings { top: USER_END - 8, bytes: Vec::new() };
    let path = strings.push(facts.path, true);
    let environment_end = path;
    let mut environment: Vec<u64> = given.environment.iter().rev().map(|each| strings.push(each, true)).collect();
    let environment_start = strings.top - strings.bytes.len() as u64;
    let mut arguments: Vec<u64> = given.arguments.iter().rev().map(|each| strings.push(each, true)).collect();
    let arguments_start = strings.top - strings.bytes.len() as u64;
    environment.reverse();
    arguments.reverse();
    let platform = strings.push(b"x86_64", true);
    let random = strings.push(&facts.random, false);

    let vector = auxiliary_vector(facts, [path, platform, random]);
    let words = 1 + arguments.len() + 1 + environment.len() + 1 + vector.len();
    let rsp = (random - words as u64 * 8) & !15;
    let mut image: Vec<u64> = Vec::with_capacity(words);
    image.push(arguments.len() as u64);
    image.extend(&arguments);
    image.push(0);
    image.extend(&environment);
    image.push(0);
    let auxiliary_start = rsp + image.len() as u64 * 8;
    image.extend(&vector);
    strings.bytes.reverse();
    space.write_bytes(strings.top - strings.bytes.len() as u64, &strings.bytes).map_err(|_| Errno::ENOMEM)?;
    space.write_bytes(rsp, zerocopy::IntoBytes::as_bytes(&image[..])).map_err(|_| Errno::ENOMEM)?;

    let layout = &mut space.layout;
    layout.stack = rsp;
    layout.arguments = (arguments_start, environment_start);
    layout.environment = (environment_start, environment_end);
    layout.auxiliary = (auxiliary_start, auxiliary_start + vector.len() as u64 * 8);
    Ok(rsp)
}

fn auxiliary_vector(facts: &Facts<'_>, [path, platform, random]: [u64; 3]) -> Vec<u64> {
    use auxiliary as a;
    let Facts { credentials, program, .. } = facts;
    let (headers, header_bytes, header_count) = program.headers;
    let pairs = [
        (a::MINSIGSTKSZ, machine::signal_frame_bytes()),
        (a::HWCAP, machine::capabilities()),
        (a::PAGESZ, PAGE),
        (a::CLKTCK, 100),
        (a::PHDR, headers),
        (a::PHENT, header_bytes),
        (a::PHNUM, header_count),
        (a::BASE, facts.interpreter.map_or(0, |interpreter| interpreter.bias)),
        (a::FLAGS, 0),
        (a::ENTRY, program.entry),
        (a::UID, credentials.user[0].into()),
        (a::EUID, credentials.user[1].into()),
        (a::GID, credentials.group[0].into()),
        (a::EGID, credentials.group[1].into()),
        (a::SECURE, facts.is_secure.into()),
        (a::RANDOM, random),
        (a::EXECFN, path),
        (a::PLATFORM, platform),
        (a::NULL, 0),
    ];
    pairs.into_iter().flat_map(|(kind, value)| [kind, value]).collect()
}
