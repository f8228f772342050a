//! An environment, its pool, its application and its kernel, all on the host.

use crate::call::Failure;
use crate::frames::pool::Pool;
use crate::frames::pool::tests::Memory;
use crate::frames::supply;
use crate::frames::tests::fake::{self, Fake, with_list};
use crate::revocation::answer::Holdings;
use crate::revocation::{Asked, Repossession, Request, Victims, kind, phase, reason};
use exo_abi::boot_page::FrameRun;
use exo_abi::environment_page::REPOSSESSIONS;
use exo_abi::error::Error;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::vec::Vec;

/// An environment with 64 frames from 0 on, all in its pool, and a kernel that asks for some.
pub struct World {
    pub kernel: Fake,
    pub pool: Rc<RefCell<Pool<Memory>>>,
    pub request: Request,
    pub entries: Vec<Repossession>,
    /// The slices that it has, as (cpu, position).
    pub slices: Vec<(u64, u64)>,
}

pub const FRAMES: u64 = 64;
/// The pool keeps its bits there.
const BITS: u64 = 0;

impl World {
    pub fn new() -> Self {
        let mut pool = Pool::new(Memory::default());
        pool.insert(FrameRun { first: BITS + 1, count: FRAMES - 1 });
        Self {
            kernel: Fake::new(&[(fake::State::Bound, 64)]),
            pool: Rc::new(RefCell::new(pool)),
            request: Request::default(),
            entries: Vec::new(),
            slices: Vec::new(),
        }
    }

    pub fn ask(&mut self, kind: u32, first: u64, count: u64, left: u64) {
        let serial = self.request.serial + 1;
        self.request = Request { serial, kind, phase: phase::REQUESTED, first, count, left, ..Request::default() };
    }

    /// Takes frames out of the pool, as an application does.
    pub fn take(&self, count: u64) -> Vec<u64> {
        (0..count).map(|_| self.pool.borrow_mut().take(1, 1).unwrap()).collect()
    }

    pub fn force(&mut self, first: u64, count: u64) {
        for frame in first..first + count {
            self.kernel.frames[usize::try_from(frame).unwrap()] = fake::State::Foreign;
        }
        self.entries.push(Repossession { kind: kind::FRAMES, reason: reason::FORCED, first, count });
    }
}

impl Holdings for World {
    fn request(&self) -> Option<Request> {
        Some(self.request)
    }

    fn repossessed(&self) -> u64 {
        self.entries.len() as u64
    }

    fn repossession(&self, number: u64) -> Option<Repossession> {
        // What a ring of this size holds in that place.
        let place = usize::try_from(number).unwrap() % REPOSSESSIONS;
        self.entries.iter().skip(place).step_by(REPOSSESSIONS).next_back().copied()
    }

    fn give(&mut self, range: Range<u64>, count: u64) -> u64 {
        let (pool, kernel) = (&self.pool, &mut self.kernel);
        let own: Vec<_> = kernel.frames.iter().map(|&state| state == fake::State::Bound).collect();
        let is_own = |frame: u64| own[usize::try_from(frame).unwrap()];
        let withdraw = |from: u64, most| pool.borrow_mut().withdraw(from..range.end, most, is_own);
        // SAFETY: nobody uses frames of a fake.
        let given = with_list(|list| unsafe { supply::give(kernel, list, 0, range.start, count, withdraw) });
        self.request.left -= given.min(self.request.left);
        if self.request.left == 0 {
            self.request.phase = phase::ANSWERED;
        }
        given
    }

    fn give_slice(&mut self, cpu: u64, position: u64) -> Result<u64, Failure> {
        let place = self.slices.iter().position(|&slice| slice == (cpu, position)).ok_or(Error::SliceForeign)?;
        self.slices.remove(place);
        self.request.phase = phase::ANSWERED;
        Ok(1)
    }

    fn lose(&mut self, frame: u64) {
        self.pool.borrow_mut().lose(frame);
    }

    fn next_held(&self, from: u64) -> Option<u64> {
        self.pool.borrow().next_held(from)
    }

    fn is_usable(&self, frame: u64) -> bool {
        frame >= FRAMES || self.kernel.state(frame) != fake::State::Foreign
    }
}

/// Lets go of frames in the order of its list.
pub struct Application {
    pub pool: Rc<RefCell<Pool<Memory>>>,
    pub frames: Vec<u64>,
    pub asked: Vec<Asked>,
    pub lost: Vec<FrameRun>,
    pub behind: u32,
    pub keeps_slices: bool,
}

impl Application {
    pub fn new(world: &World, frames: Vec<u64>) -> Self {
        let pool = Rc::clone(&world.pool);
        Self { pool, frames, asked: Vec::new(), lost: Vec::new(), behind: 0, keeps_slices: false }
    }
}

impl Victims for Application {
    fn release(&mut self, asked: Asked) {
        self.asked.push(asked);
        let gone: Vec<_> = match asked {
            Asked::Frames { count } => {
                let count = self.frames.len().min(usize::try_from(count).unwrap());
                self.frames.drain(..count).collect()
            }
            Asked::Run(run) => {
                let (gone, kept) =
                    self.frames.iter().partition(|&frame| (run.first..run.first + run.count).contains(frame));
                self.frames = kept;
                gone
            }
        };
        gone.iter().for_each(|&first| assert!(self.pool.borrow_mut().give_back(FrameRun { first, count: 1 })));
    }

    fn gives_slice(&mut self, _: u64, _: u64) -> bool {
        !self.keeps_slices
    }

    fn lost(&mut self, lost: &Repossession) {
        self.lost.push(FrameRun { first: lost.first, count: lost.count });
    }

    fn fell_behind(&mut self) {
        self.behind += 1;
    }
}
