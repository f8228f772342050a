//! The calls on frames and their bindings.

use super::{At, Context, Failure, Handled, done};
use crate::capability::Capability;
use crate::frames::{is_free_for, own, owner};
use crate::giving::check_own;
use crate::machine::Machine;
use core::ops::Range;
use exo_abi::boot_page::FrameRun;
use exo_abi::call::{ALLOCATE_MAX, FRAMES_MAX};
use exo_abi::capability::rights;
use exo_abi::error::Error;
use exo_abi::info::{FrameRecord, frame_flags, frame_state};

impl Context<'_, '_> {
    pub(super) fn allocate_run(&mut self, first: u64, count: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let runs = self.take_run(first, count, ALLOCATE_MAX)?;
        self.allocate(runs, &capability)
    }

    pub(super) fn allocate_list(&mut self, physical: u64, length: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let runs = self.take_list(physical, length, ALLOCATE_MAX)?;
        self.allocate(runs, &capability)
    }

    fn allocate(&mut self, runs: Range<usize>, capability: &Capability) -> Handled {
        for run in &self.core.list[runs.clone()] {
            for (frame, record) in (run.first..).zip(self.core.frames.run(*run)) {
                match record.state {
                    _ if is_free_for(record, self.caller) => {}
                    frame_state::UNUSABLE | frame_state::KERNEL => return Err(Error::NoSuchFrame.at(frame)),
                    _ => return Err(Error::FrameTaken.at(frame)),
                }
            }
        }
        let (mut scrubbed, mut taken, mut promised) = (0, 0, 0);
        for index in runs {
            let run = self.core.list[index];
            taken += run.count;
            let mut dirty = FrameRun { first: run.first, count: 0 };
            for (frame, record) in (run.first..).zip(self.core.frames.run_mut(run)) {
                promised += u64::from(record.state == frame_state::PROMISED);
                let own_bytes = record.state == frame_state::FREE && owner(record) == Some(self.caller);
                if record.flags & frame_flags::DIRTY != 0 && !own_bytes {
                    if dirty.first + dirty.count != frame {
                        scrubbed += scrub(self.machine, dirty);
                        dirty = FrameRun { first: frame, count: 0 };
                    }
                    dirty.count += 1;
                }
                own(record, self.caller, capability.name);
            }
            scrubbed += scrub(self.machine, dirty);
        }
        if let Some(environment) = self.core.environments.get_mut(self.caller) {
            environment.frames += taken;
            environment.promised -= promised;
        }
        done(scrubbed)
    }

    pub(super) fn free_run(&mut self, first: u64, count: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        self.free(runs, &capability)
    }

    pub(super) fn free_list(&mut self, physical: u64, length: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let runs = self.take_list(physical, length, FRAMES_MAX)?;
        self.free(runs, &capability)
    }

    fn free(&mut self, runs: Range<usize>, capability: &Capability) -> Handled {
        for run in &self.core.list[runs.clone()] {
            self.core.check_unbound(*run, self.caller, capability)?;
        }
        let mut answered = 0;
        for index in runs {
            let run = self.core.list[index];
            answered += self.core.give_back(run, self.caller);
        }
        self.core.note_given(self.machine, self.caller, answered);
        done(answered)
    }

    /// Checks that runs can become metadata: the caller's, loose, not what is claimed, and within what of its guarantee is not a
    /// promise to itself already. Says how many frames they are.
    pub(super) fn check_reserve(&self, runs: Range<usize>, capability: &Capability) -> Result<u64, Failure> {
        for frame in self.frames_of(runs.clone()) {
            self.core.check_unbound(FrameRun { first: frame, count: 1 }, self.caller, capability)?;
            if self.core.is_claimed(frame, self.caller) {
                return Err(Error::ClaimPending.at(frame));
            }
        }
        let count = self.core.list[runs].iter().map(|run| run.count).sum();
        let available = self.core.available_guarantee(self.caller);
        if count > available {
            return Err(Error::GuaranteeExceeded.at(available));
        }
        self.core.check_leaves_claimed(self.caller, count)?;
        Ok(count)
    }

    /// Checks that a frame is the caller's.
    fn check_own(&self, frame: u64) -> Result<FrameRecord, Failure> {
        let record = self.core.frames.get(frame).ok_or(Error::NoSuchFrame.at(frame))?;
        check_own(frame, record, self.caller).map(|()| *record)
    }

    pub(super) fn set_guard(&mut self, first: u64, count: u64) -> Handled {
        let old = self.credential_with(rights::MODIFY)?;
        let new = self.second_with(rights::MODIFY)?;
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        for frame in self.frames_of(runs) {
            if !old.name.dominates(&self.check_own(frame)?.guard) {
                return Err(Error::Underprivileged.at(frame));
            }
        }
        let mut binders = 0;
        for frame in first..first + count {
            if let Some(record) = self.core.frames.get_mut(frame) {
                record.guard = new.name;
                binders |= record.binders;
            }
        }
        let mut ended = 0;
        for place in crate::bindings::places(binders) {
            if let Some(id) = self.core.environments.at(place) {
                ended += self.core.end_unjustified(self.machine, id, first..first + count);
            }
        }
        self.machine.flush();
        done(ended)
    }

    pub(super) fn set_guaranteed(&mut self, first: u64, count: u64, on: u64) -> Handled {
        if on > 1 {
            return Err(Error::BadArgument.at(on));
        }
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        let mut new = 0;
        for frame in self.frames_of(runs) {
            new += u64::from(self.check_own(frame)?.flags & frame_flags::GUARANTEED == 0);
            if self.core.is_claimed(frame, self.caller) {
                return Err(Error::ClaimPending.at(frame));
            }
        }
        let set = self.core.guaranteed_set(self.caller);
        let guarantee = self.core.environments.get(self.caller).map_or(0, |record| record.guarantee);
        if on == 1 && set + new > guarantee {
            return Err(Error::GuaranteeExceeded.at(guarantee - set));
        }
        for frame in first..first + count {
            if let Some(record) = self.core.frames.get_mut(frame) {
                record.flags =
                    record.flags & !frame_flags::GUARANTEED | if on == 1 { frame_flags::GUARANTEED } else { 0 };
            }
        }
        let set = if on == 1 { set + new } else { set - (count - new) };
        if let Some(private) = self.core.environments.private_mut(self.caller) {
            private.guaranteed = set;
        }
        done(set)
    }

    pub(super) fn reserve_add(&mut self, first: u64, count: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        self.check_reserve(runs, &capability)?;
        let run = FrameRun { first, count };
        self.machine.add_reserve(self.caller.place(), run);
        self.core.make_metadata(run, self.caller, self.caller);
        done(self.core.environments.get(self.caller).map_or(0, |record| record.reserve))
    }
}

/// Zeroes a run; says how many frames that were.
fn scrub(machine: &mut dyn Machine, run: FrameRun) -> u64 {
    if run.count != 0 {
        machine.scrub(run);
    }
    run.count
}
