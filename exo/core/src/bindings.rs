//! Bindings: what is in an environment's EPT, and the records' sets of binders, which are the same thing seen from the frame.

use crate::calls::{At, Failure};
use crate::capability::Capability;
use crate::environment::EnvironmentId;
use crate::frames::Differences;
use crate::machine::{Binding, Machine, ReserveEmpty};
use crate::state::Core;
use core::ops::Range;
use exo_abi::boot_page::FrameRun;
use exo_abi::environment_page::{Repossession, kind, reason};
use exo_abi::error::Error;
use exo_abi::events;
use exo_abi::info::{FrameRecord, frame_state};

/// The places in a set of binders.
pub(crate) fn places(mut binders: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let place = usize::try_from(binders.trailing_zeros()).ok().filter(|_| binders != 0)?;
        binders &= binders - 1;
        Some(place)
    })
}

/// The bit of a place in a set of binders.
pub(crate) fn bit(place: usize) -> u64 {
    1_u64.checked_shl(u32::try_from(place).unwrap_or(u32::MAX)).unwrap_or(0)
}

impl Core<'_> {
    /// Checks that every frame of a run can be bound under a capability with these rights, and in `place` is bound already or not.
    pub(crate) fn check_bindable(
        &self,
        run: FrameRun,
        capability: &Capability,
        rights: u64,
        (place, bound): (usize, bool),
    ) -> Result<(), Failure> {
        let records = self.frames.run(run);
        let Some(guard) = records.first().map(|record| record.guard) else { return Ok(()) };
        let bit = bit(place);
        let is_bound = |record: &FrameRecord| record.binders & bit != 0;
        // Most runs are as wanted and have one guard, which is then looked at once.
        let binders = if bound { bit } else { 0 };
        let wanted = FrameRecord { state: frame_state::OWNED, binders, guard, ..FrameRecord::default() };
        let differences = Differences::of(records, &wanted);
        if !differences.in_state_or_guard_or(bit) && capability.allows(&guard, rights) {
            return Ok(());
        }
        for (frame, record) in (run.first..).zip(records) {
            if bound && !is_bound(record) {
                return Err(Error::FrameNotBound.at(frame));
            }
            match record.state {
                frame_state::OWNED => {}
                frame_state::FREE | frame_state::PROMISED => return Err(Error::FrameFree.at(frame)),
                _ => return Err(Error::NoSuchFrame.at(frame)),
            }
            if !bound && is_bound(record) {
                return Err(Error::AlreadyBound.at(frame));
            }
            if !capability.allows(&record.guard, rights) {
                return Err(Error::Underprivileged.at(frame));
            }
        }
        Ok(())
    }

    /// Binds a checked run, which may be empty.
    pub(crate) fn bind(
        &mut self,
        machine: &mut dyn Machine,
        id: EnvironmentId,
        run: FrameRun,
        binding: Binding,
    ) -> Result<(), ReserveEmpty> {
        if run.count == 0 {
            return Ok(());
        }
        machine.bind(id.place(), run, binding)?;
        let bit = bit(id.place());
        self.frames.run_mut(run).iter_mut().for_each(|record| record.binders |= bit);
        Ok(())
    }

    /// Ends the bindings of a run that is bound there, or empty. The caller flushes.
    pub(crate) fn unbind(&mut self, machine: &mut dyn Machine, id: EnvironmentId, run: FrameRun) {
        if run.count == 0 {
            return;
        }
        machine.unbind(id.place(), run);
        let bit = bit(id.place());
        self.frames.run_mut(run).iter_mut().for_each(|record| record.binders &= !bit);
    }

    /// Ends every binding of a run of frames but their owner's, and tells those who had one. The caller flushes.
    pub(crate) fn unbind_from_others(&mut self, machine: &mut dyn Machine, run: FrameRun, owner: EnvironmentId) {
        let binders = |frame| self.frames.get(frame).map_or(0, |record| record.binders);
        let binders = (run.first..run.first + run.count).fold(0, |all, frame| all | binders(frame));
        for place in places(binders & !bit(owner.place())) {
            if let Some(id) = self.environments.at(place) {
                self.unbind_where_bound(machine, id, run, Some(reason::OWNER));
            }
        }
    }

    /// Ends the bindings that an environment has within a run, each stretch at once, and tells it why if there is a reason. The
    /// caller flushes.
    pub(crate) fn unbind_where_bound(
        &mut self,
        machine: &mut dyn Machine,
        id: EnvironmentId,
        run: FrameRun,
        why: Option<u32>,
    ) {
        let (mut next, end) = (run.first, run.first + run.count);
        loop {
            let bound =
                |&frame: &u64| self.frames.get(frame).is_some_and(|record| record.binders & bit(id.place()) != 0);
            let Some(first) = (next..end).find(bound) else { return };
            next = (first..end).find(|frame| !bound(frame)).unwrap_or(end);
            let stretch = FrameRun { first, count: next - first };
            self.unbind(machine, id, stretch);
            if let Some(why) = why {
                self.repossess(machine, id, stretch, why);
            }
        }
    }

    /// Ends the bindings of a range of frames in an environment that its slots no longer allow; says how many. The caller flushes.
    pub(crate) fn end_unjustified(&mut self, machine: &mut dyn Machine, id: EnvironmentId, range: Range<u64>) -> u64 {
        let (mut ended, mut from) = (0, range.start);
        // The vector is short: what lies side by side is one entry, in however many parts the bindings come.
        let mut told = FrameRun { first: 0, count: 0 };
        while let Some((run, binding)) = machine.next_binding(id.place(), from).filter(|(run, _)| run.first < range.end)
        {
            from = range.end.min(run.first + run.count);
            let slots = self.environments.private(id).map(|private| &private.slots);
            let capability = slots.and_then(|slots| slots.get(binding.slot.into()));
            let mut frame = run.first;
            while let Some(lost) = self.next_unjustified(frame..from, capability.as_ref(), binding.rights) {
                frame = lost.first + lost.count;
                ended += lost.count;
                self.unbind(machine, id, lost);
                if told.first + told.count == lost.first {
                    told.count += lost.count;
                } else {
                    self.tell_unjustified(machine, id, told);
                    told = lost;
                }
            }
        }
        self.tell_unjustified(machine, id, told);
        ended
    }

    fn tell_unjustified(&mut self, machine: &mut dyn Machine, id: EnvironmentId, run: FrameRun) {
        if run.count != 0 {
            self.repossess(machine, id, run, reason::CREDENTIAL);
        }
    }

    /// The first run within a range that a capability does not allow.
    fn next_unjustified(&self, range: Range<u64>, capability: Option<&Capability>, rights: u64) -> Option<FrameRun> {
        let allowed = |frame: u64| {
            let guard = self.frames.get(frame).map(|record| record.guard).unwrap_or_default();
            capability.is_some_and(|capability| capability.allows(&guard, rights))
        };
        let first = range.clone().find(|&frame| !allowed(frame))?;
        let end = (first..range.end).find(|&frame| allowed(frame)).unwrap_or(range.end);
        Some(FrameRun { first, count: end - first })
    }

    /// Writes a run into an environment's repossession vector and raises the event.
    pub(crate) fn repossess(&mut self, machine: &mut dyn Machine, id: EnvironmentId, run: FrameRun, why: u32) {
        self.enter_repossession(
            machine,
            id,
            Repossession { kind: kind::FRAMES, reason: why, first: run.first, count: run.count },
        );
    }

    /// Writes an entry into an environment's repossession vector and raises the event.
    pub(crate) fn enter_repossession(&mut self, machine: &mut dyn Machine, id: EnvironmentId, entry: Repossession) {
        let Some(page) = machine.environment_page(id.place()) else { return };
        let count = page.repossessions.len();
        if let Some(place) = usize::try_from(page.repossessed).ok().and_then(|n| page.repossessions.get_mut(n % count))
        {
            *place = entry;
        }
        page.repossessed += 1;
        let what = if entry.reason == reason::CREDENTIAL { events::CREDENTIAL_REVOKED } else { 0 };
        self.raise_environment(machine, id, events::REPOSSESSION | what);
    }
}
