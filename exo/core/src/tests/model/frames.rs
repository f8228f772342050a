//! Frames: allocated, freed, guaranteed, made metadata.

use super::{Answer, Fail, Frame, Id, Model, Owned, Run, Wanted, done, fails};
use exo_abi::error::Error;
use std::vec::Vec;

pub(super) fn each(runs: &[Run]) -> impl Iterator<Item = u64> + '_ {
    runs.iter().flat_map(|&(first, count)| first..first + count)
}

pub(super) type Runs = Result<Vec<Run>, Fail>;

impl Model {
    pub(crate) fn frame(&self, frame: u64) -> &Frame {
        &self.frames[frame as usize]
    }

    pub(crate) fn set(&mut self, frame: u64, to: Frame) {
        self.frames[frame as usize] = to;
    }

    pub(crate) fn owned(&self, frame: u64, id: Id) -> Option<&Owned> {
        match self.frame(frame) {
            Frame::Owned(owned) if owned.by == id => Some(owned),
            _ => None,
        }
    }

    /// What guards a frame: without an owner, only the root name dominates it.
    pub(crate) fn guard(&self, frame: u64) -> Vec<u8> {
        if let Frame::Owned(owned) = self.frame(frame) { owned.guard.clone() } else { Vec::new() }
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Frame) -> bool) -> u64 {
        self.frames.iter().filter(|frame| wanted(frame)).count() as u64
    }

    pub(crate) fn owns(&self, id: Id) -> u64 {
        self.count(|frame| matches!(frame, Frame::Owned(owned) if owned.by == id))
    }

    pub(crate) fn promised_to(&self, id: Id) -> u64 {
        self.count(|frame| *frame == Frame::Promised(id))
    }

    pub(crate) fn reserve_of(&self, id: Id) -> u64 {
        self.count(|frame| *frame == Frame::Kernel(Some(id)))
    }

    pub(crate) fn guaranteed_set(&self, id: Id) -> u64 {
        self.count(|frame| matches!(frame, Frame::Owned(owned) if owned.by == id && owned.guaranteed))
    }

    pub(crate) fn binders(&self, frame: u64) -> Vec<Id> {
        self.bindings.keys().filter(|key| key.1 == frame).map(|key| key.0).collect()
    }

    pub(super) fn allocate(&mut self, me: Id, name: &[u8], runs: Runs) -> Answer {
        let runs = runs?;
        for frame in each(&runs) {
            match self.frame(frame) {
                Frame::Free(_) => {}
                Frame::Promised(to) if *to == me => {}
                Frame::Unusable | Frame::Kernel(_) => return Err((Error::NoSuchFrame, frame)),
                _ => return Err((Error::FrameTaken, frame)),
            }
        }
        let mut scrubbed = 0;
        for frame in each(&runs) {
            if *self.frame(frame) != Frame::Free(Some(me)) {
                let start = frame as usize * 4096;
                self.memory[start..start + 4096].fill(0);
                scrubbed += 1;
            } else {
                self.saw("an owner finds its own bytes");
            }
            if *self.frame(frame) == Frame::Promised(me) {
                self.saw("what was promised is taken");
            }
            self.set(frame, Frame::Owned(Owned { by: me, guard: name.to_vec(), guaranteed: false, pinned: false }));
        }
        done(scrubbed)
    }

    pub(super) fn mine(&self, me: Id, frame: u64) -> Result<&Owned, Fail> {
        match self.frame(frame) {
            Frame::Unusable | Frame::Kernel(_) => Err((Error::NoSuchFrame, frame)),
            Frame::Owned(owned) if owned.by == me => Ok(owned),
            _ => Err((Error::FrameForeign, frame)),
        }
    }

    /// A frame of the caller's, under the name, that nobody reaches.
    fn mine_alone(&self, me: Id, name: &[u8], frame: u64) -> Result<(), Fail> {
        let owned = self.mine(me, frame)?;
        if !owned.guard.starts_with(name) {
            return Err((Error::Underprivileged, frame));
        }
        if !self.binders(frame).is_empty() {
            return Err((Error::FrameBound, frame));
        }
        if owned.pinned { Err((Error::FramePinned, frame)) } else { Ok(()) }
    }

    pub(super) fn free(&mut self, me: Id, name: &[u8], runs: Runs) -> Answer {
        let runs = runs?;
        each(&runs).try_for_each(|frame| self.mine_alone(me, name, frame))?;
        let mut answered = 0;
        for frame in each(&runs) {
            let claim = self.claims.iter_mut().find(|claim| claim.victim == me && claim.left != 0);
            let asked = claim.filter(|claim| match claim.wanted {
                Wanted::Run(first, count) => (first..first + count).contains(&frame),
                Wanted::Count => true,
                Wanted::Slice(..) => false,
            });
            let to = match asked {
                Some(claim) => {
                    claim.left -= 1;
                    answered += 1;
                    Frame::Promised(claim.claimant)
                }
                None => Frame::Free(Some(me)),
            };
            self.set(frame, to);
        }
        self.note_given(me, answered);
        done(answered)
    }

    /// Whether these frames can leave the caller for good although something is claimed from it: not what is claimed by name, and
    /// of a claim by count as many must stay as can be asked for.
    fn spared(&self, me: Id, runs: &[Run]) -> Result<(), Fail> {
        let Some(claim) = self.claims.iter().find(|claim| claim.victim == me) else { return Ok(()) };
        if claim.wanted != Wanted::Count {
            return Ok(());
        }
        let leaving = each(runs).count() as u64;
        let kept = if claim.dominated { 0 } else { self.guarantee(me) };
        let can_lose = self.owns(me).saturating_sub(kept);
        // The guarantee falls by as much, and with it what is kept.
        let then = if claim.dominated { can_lose - leaving } else { can_lose };
        if then < claim.left && then < can_lose { fails(Error::ClaimPending) } else { Ok(()) }
    }

    /// Frames of the caller's that can become metadata.
    pub(super) fn metadata(&self, me: Id, name: &[u8], runs: &[Run]) -> Result<(), Fail> {
        for frame in each(runs) {
            self.mine_alone(me, name, frame)?;
            if self.claimed_by_name(me, frame) {
                return Err((Error::ClaimPending, frame));
            }
        }
        let available = self.can_part_with(me);
        if each(runs).count() as u64 > available {
            return Err((Error::GuaranteeExceeded, available));
        }
        self.spared(me, runs)
    }

    pub(super) fn set_guaranteed(&mut self, me: Id, first: u64, count: u64, on: u64) -> Answer {
        if on > 1 {
            return Err((Error::BadArgument, on));
        }
        let runs = self.run(first, count, 4096)?;
        let mut fresh = 0;
        for frame in each(&runs) {
            fresh += u64::from(!self.mine(me, frame)?.guaranteed);
            if self.claimed_by_name(me, frame) {
                return Err((Error::ClaimPending, frame));
            }
        }
        let (set, guarantee) = (self.guaranteed_set(me), self.guarantee(me));
        if on == 1 && set + fresh > guarantee {
            return Err((Error::GuaranteeExceeded, guarantee - set));
        }
        for frame in each(&runs) {
            if let Frame::Owned(owned) = &mut self.frames[frame as usize] {
                owned.guaranteed = on == 1;
            }
        }
        done(self.guaranteed_set(me))
    }

    pub(super) fn reserve_add(&mut self, me: Id, name: &[u8], first: u64, count: u64) -> Answer {
        let runs = self.run(first, count, 4096)?;
        self.metadata(me, name, &runs)?;
        self.make_metadata(me, &runs, me);
        done(self.reserve_of(me))
    }

    /// What the kernel keeps there is nobody's to read: the fake machine fills it in the same way.
    pub(super) fn make_metadata(&mut self, me: Id, runs: &[Run], id: Id) {
        self.of(me).guarantee -= each(runs).count() as u64;
        for frame in each(runs) {
            let start = frame as usize * 4096;
            self.memory[start..start + 4096].fill(0xee);
            self.set(frame, Frame::Kernel(Some(id)));
        }
    }
}
