//! Memory arguments, lists, and the console.

use super::{Answer, Fail, Id, Model, Run, done, fails};
use exo_abi::console::Stream;
use exo_abi::error::Error;
use std::vec::Vec;

impl Model {
    /// The bytes of a memory argument that the caller may access.
    pub(super) fn memory(&self, me: Id, physical: u64, length: u64, most: u64, rights: u64) -> Result<Vec<u64>, Fail> {
        if length > most || physical.checked_add(length).is_none() {
            return fails(Error::TooLong);
        }
        for byte in physical..physical + length {
            match self.bindings.get(&(me, byte / 4096)) {
                Some((held, _)) if held & rights == rights => {}
                _ => return Err((Error::NotBound, byte / 4096)),
            }
        }
        Ok((physical..physical + length).collect())
    }

    fn byte(&mut self, address: u64) -> &mut u8 {
        &mut self.memory[address as usize]
    }

    pub(super) fn bytes(&self, addresses: &[u64]) -> Vec<u8> {
        addresses.iter().map(|&address| self.memory[address as usize]).collect()
    }

    pub(super) fn words(&self, addresses: &[u64]) -> Vec<u64> {
        let bytes = self.bytes(addresses);
        bytes.chunks(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes"))).collect()
    }

    /// One run, given in registers.
    pub(super) fn run(&self, first: u64, count: u64, most: u64) -> Result<Vec<Run>, Fail> {
        self.checked(std::vec![(first, count)], most)
    }

    /// The runs of a list in memory.
    pub(super) fn list(&self, me: Id, physical: u64, length: u64, most: u64) -> Result<Vec<Run>, Fail> {
        if length > 512 {
            return fails(Error::TooLong);
        }
        let bytes = self.memory(me, physical, length * 16, 512 * 16, 1)?;
        let runs = self.words(&bytes).chunks(2).map(|run| (run[0], run[1])).collect();
        self.checked(runs, most)
    }

    fn checked(&self, runs: Vec<Run>, most: u64) -> Result<Vec<Run>, Fail> {
        let (mut total, mut last) = (0_u128, 0_u128);
        let frames = self.frames.len() as u64;
        for &(first, count) in &runs {
            total += u128::from(count);
            let end = u128::from(first) + u128::from(count);
            if total > u128::from(most) || end > u128::from(u64::MAX) {
                return fails(Error::TooLong);
            }
            if u128::from(first) < last {
                return Err((Error::NotAscending, first));
            }
            if end > u128::from(frames) {
                return Err((Error::NoSuchFrame, first.max(frames)));
            }
            last = end;
        }
        Ok(runs)
    }

    pub(super) fn console_write(&mut self, me: Id, stream: u64, physical: u64, length: u64) -> Answer {
        let to = match stream {
            1 => Stream::Output,
            2 => Stream::Errors,
            _ => return Err((Error::BadArgument, stream)),
        };
        let addresses = self.memory(me, physical, length, 4096, 1)?;
        let channel = u8::try_from(me.index).expect("few environments");
        let bytes = self.bytes(&addresses);
        self.written.extend(bytes.into_iter().map(|byte| (channel, to, byte)));
        done(length)
    }

    pub(super) fn console_read(&mut self, me: Id, physical: u64, length: u64) -> Answer {
        let addresses = self.memory(me, physical, length, 4096, 2)?;
        let mut read = 0;
        if self.of(me).input {
            for address in addresses {
                let Some(byte) = self.typed.pop_front() else { break };
                *self.byte(address) = byte;
                read += 1;
            }
            if read < length {
                self.of(me).told_of_input = false;
            }
        }
        done(read)
    }

    /// Input has come; whoever has it may have ended.
    pub(crate) fn input_came(&mut self) {
        let Some(id) = self.environments.values().find(|one| one.input && one.lives()).map(|one| one.id) else {
            return;
        };
        if self.of(id).told_of_input {
            return self.saw("input comes to somebody who knows");
        }
        self.of(id).told_of_input = true;
        self.raise_all(id, exo_abi::events::INPUT);
    }

    pub(super) fn set_name(&mut self, me: Id, credential: u64, [argument, physical, length]: [u64; 3]) -> Answer {
        let id = self.named_under(me, credential, argument, 8)?;
        let addresses = self.memory(me, physical, length, 32, 1)?;
        let name = self.bytes(&addresses);
        let Ok(text) = core::str::from_utf8(&name) else { return fails(Error::BadArgument) };
        if text.is_empty() || text.contains(|one: char| one.is_control() || one == '"' || one == '\\') {
            return fails(Error::BadArgument);
        }
        self.of(id).name = name;
        done(0)
    }
}
