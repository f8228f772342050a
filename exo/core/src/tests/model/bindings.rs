//! Bindings and guards.

use super::capabilities::{MODIFY, allows};
use super::frames::{Runs, each};
use super::{Answer, Fail, Frame, Id, Model, done, fails};
use crate::tests::fake::cost;
use exo_abi::environment_page::reason;
use exo_abi::error::Error;
use std::vec::Vec;

impl Model {
    fn bindable(&self, frame: u64, capability: &(Vec<u8>, u64), rights: u64) -> Result<(), Fail> {
        match self.frame(frame) {
            Frame::Owned(owned) if allows(capability, &owned.guard, rights) => Ok(()),
            Frame::Owned(_) => Err((Error::Underprivileged, frame)),
            Frame::Free(_) | Frame::Promised(_) => Err((Error::FrameFree, frame)),
            Frame::Unusable | Frame::Kernel(_) => Err((Error::NoSuchFrame, frame)),
        }
    }

    fn binding_arguments(
        &self,
        me: Id,
        second: u64,
        [argument, slot, rights]: [u64; 3],
    ) -> Result<(Id, (Vec<u8>, u64)), Fail> {
        let id = self.mine_or_second(me, second, argument)?;
        let capability = self.capability(id, slot)?;
        if [1, 3, 5, 7].contains(&rights) { Ok((id, capability)) } else { Err((Error::BadRights, rights)) }
    }

    pub(super) fn bind(&mut self, me: Id, second: u64, arguments: [u64; 3], runs: impl Fn(&Self) -> Runs) -> Answer {
        let (id, capability) = self.binding_arguments(me, second, arguments)?;
        let [_, slot, rights] = arguments;
        let runs = runs(self)?;
        for frame in each(&runs) {
            if self.bindings.contains_key(&(id, frame)) {
                return Err((Error::AlreadyBound, frame));
            }
            self.bindable(frame, &capability, rights)?;
        }
        let fresh: Vec<u64> = each(&runs).collect();
        let bound: Vec<u64> = self.bindings.keys().filter(|key| key.0 == id).map(|key| key.1).collect();
        let vcpus = self.of(id).vcpus.len() as u64;
        if !fresh.is_empty() && cost(vcpus, bound.iter().chain(&fresh)) > self.reserve_of(id) {
            return fails(Error::ReserveEmpty);
        }
        self.bindings.extend(fresh.into_iter().map(|frame| ((id, frame), (rights, slot))));
        done(0)
    }

    pub(super) fn unbind(
        &mut self,
        me: Id,
        (first, second): (u64, u64),
        argument: u64,
        runs: impl Fn(&Self) -> Runs,
    ) -> Answer {
        let id = self.named(me, argument)?;
        let runs = runs(self)?;
        let by_frames = match self.mine_or_second(me, second, argument) {
            Ok(_) => None,
            Err(refused) => Some(self.capability_with(me, first, MODIFY).map_err(|_| refused)?),
        };
        for frame in each(&runs) {
            if by_frames.as_ref().is_some_and(|(name, _)| !self.guard(frame).starts_with(name)) {
                return Err((Error::Underprivileged, frame));
            }
            if !self.bindings.contains_key(&(id, frame)) {
                return Err((Error::FrameNotBound, frame));
            }
        }
        for (first, count) in runs {
            (first..first + count).for_each(|frame| {
                self.bindings.remove(&(id, frame));
            });
            if by_frames.is_some() && count != 0 {
                self.repossess(id, reason::OWNER, first, count);
            }
        }
        done(0)
    }

    pub(super) fn change_rights(
        &mut self,
        me: Id,
        second: u64,
        arguments: [u64; 3],
        runs: impl Fn(&Self) -> Runs,
    ) -> Answer {
        let (id, capability) = self.binding_arguments(me, second, arguments)?;
        let [_, slot, rights] = arguments;
        let runs = runs(self)?;
        for frame in each(&runs) {
            if !self.bindings.contains_key(&(id, frame)) {
                return Err((Error::FrameNotBound, frame));
            }
            self.bindable(frame, &capability, rights)?;
        }
        self.bindings.extend(each(&runs).map(|frame| ((id, frame), (rights, slot))));
        done(0)
    }

    pub(super) fn set_guard(&mut self, me: Id, (first, second): (u64, u64), from: u64, count: u64) -> Answer {
        let (old, _) = self.capability_with(me, first, MODIFY)?;
        let (new, _) = self.capability_with(me, second, MODIFY)?;
        let runs = self.run(from, count, 4096)?;
        for frame in each(&runs) {
            if !self.mine(me, frame)?.guard.starts_with(&old) {
                return Err((Error::Underprivileged, frame));
            }
        }
        for frame in each(&runs) {
            if let Frame::Owned(owned) = &mut self.frames[frame as usize] {
                owned.guard.clone_from(&new);
            }
        }
        let everybody: Vec<Id> = self.environments.values().map(|environment| environment.id).collect();
        done(everybody.into_iter().map(|id| self.end_unjustified_in(id, from..from + count)).sum())
    }
}
