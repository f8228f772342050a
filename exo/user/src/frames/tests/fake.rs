//! Something that plays the kernel: the states of frames, and nothing else.

use crate::call::{Kernel, Reply};
use crate::frames::list::List;
use crate::info::free_runs_of;
use exo_abi::boot_page::FrameRun;
use exo_abi::call::{ALLOCATE_MAX, Call, FRAMES_MAX, Request};
use exo_abi::error::Error;
use exo_abi::info::{FrameRecord, frame_state};
use std::vec::Vec;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Free,
    Own,
    Bound,
    Foreign,
    /// Another's, and bound.
    Lent,
}

/// Frames from 0 on.
pub struct Fake {
    pub frames: Vec<State>,
    /// The calls that were made.
    pub calls: Vec<Call>,
    /// Frames that somebody else takes before the next allocation.
    pub stolen: Vec<u64>,
    /// Bindings fail for want of metadata.
    pub no_reserve: bool,
    pub answered: u64,
}

impl Fake {
    pub fn new(frames: &[(State, usize)]) -> Self {
        let frames = frames.iter().flat_map(|&(state, count)| std::iter::repeat_n(state, count)).collect();
        Self { frames, calls: Vec::new(), stolen: Vec::new(), no_reserve: false, answered: 0 }
    }

    pub fn state(&self, frame: u64) -> State {
        self.frames[usize::try_from(frame).unwrap()]
    }

    pub fn count(&self, state: State) -> usize {
        self.frames.iter().filter(|&&one| one == state).count()
    }

    pub fn free_runs(&self) -> Vec<FrameRun> {
        let state = |frame: u64| {
            let state = *self.frames.get(usize::try_from(frame).ok()?)?;
            Some(if state == State::Free { frame_state::FREE } else { frame_state::OWNED })
        };
        free_runs_of(0, state).collect()
    }

    fn change(&mut self, runs: &[FrameRun], most: u64, from: State, to: State, error: Error) -> Reply {
        if runs.iter().map(|run| run.count).sum::<u64>() > most {
            return Reply { code: Error::TooLong.number(), value: 0 };
        }
        if runs.windows(2).any(|pair| pair[0].first + pair[0].count > pair[1].first) {
            return Reply { code: Error::NotAscending.number(), value: 0 };
        }
        let frames: Vec<_> = runs.iter().flat_map(|run| run.first..run.first + run.count).collect();
        if let Some(&frame) = frames.iter().find(|&&frame| self.state(frame) != from) {
            return Reply { code: error.number(), value: frame };
        }
        frames.iter().for_each(|&frame| self.frames[usize::try_from(frame).unwrap()] = to);
        Reply { code: 0, value: 0 }
    }
}

/// The list of a list call.
fn listed(physical: u64, length: u64) -> Vec<FrameRun> {
    let pointer = crate::frames::pointer::<FrameRun>(physical);
    // SAFETY: the tests give lists by the address of a slice that is alive during the call.
    unsafe { std::slice::from_raw_parts(pointer, usize::try_from(length).unwrap()) }.to_vec()
}

/// Runs something with a list of the test's own.
pub fn with_list<R>(work: impl FnOnce(&mut List<'_>) -> R) -> R {
    let mut runs = [FrameRun::default(); 256];
    let physical = runs.as_mut_ptr().expose_provenance() as u64;
    work(&mut List { runs: &mut runs, physical })
}

impl Kernel for Fake {
    unsafe fn request(&mut self, request: Request, arguments: [u64; 6]) -> Reply {
        let call = Call::from_number(request.number).unwrap();
        self.calls.push(call);
        let [a, b, c, d, e, _] = arguments;
        let run = |first, count| std::vec![FrameRun { first, count }];
        match call {
            Call::AllocateRun | Call::AllocateList => {
                for frame in self.stolen.drain(..) {
                    self.frames[usize::try_from(frame).unwrap()] = State::Foreign;
                }
                let runs = if call == Call::AllocateRun { run(a, b) } else { listed(a, b) };
                self.change(&runs, ALLOCATE_MAX, State::Free, State::Own, Error::FrameTaken)
            }
            Call::BindRun | Call::BindList => {
                if self.no_reserve {
                    return Reply { code: Error::ReserveEmpty.number(), value: 0 };
                }
                let runs = if call == Call::BindRun { run(d, e) } else { listed(d, e) };
                self.change(&runs, FRAMES_MAX, State::Own, State::Bound, Error::FrameFree)
            }
            Call::UnbindRun | Call::UnbindList => {
                let runs = if call == Call::UnbindRun { run(b, c) } else { listed(b, c) };
                self.change(&runs, FRAMES_MAX, State::Bound, State::Own, Error::FrameNotBound)
            }
            Call::FreeRun | Call::FreeList => {
                let runs = if call == Call::FreeRun { run(a, b) } else { listed(a, b) };
                let reply = self.change(&runs, FRAMES_MAX, State::Own, State::Free, Error::FrameForeign);
                self.answered += if reply.code == 0 { runs.iter().map(|run| run.count).sum() } else { 0 };
                reply
            }
            other => panic!("{other:?} is not expected here"),
        }
    }
}
