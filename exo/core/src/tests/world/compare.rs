//! The core's state is the model's, in all that is exposed and in all that is not.

use super::{CPUS, PLACES, World};
use crate::capability::Slot as CoreSlot;
use crate::claims::{Basis, Wanted as CoreWanted};
use crate::environment::Waiting;
use crate::gates::{Mail, WAITING};
use crate::machine::Machine;
use crate::predicate::Predicate;
use crate::tests::fake::FRAMES;
use crate::tests::model::{Claim, Environment, Slot, Wait, Wanted};
use crate::tests::steps::number;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::environment_page::REPOSSESSIONS;
use exo_abi::info::environment_state;
use exo_abi::wakeup::Instruction;
use std::collections::BTreeMap;
use std::vec::Vec;

impl World<'_> {
    /// That the core's state is the model's, in all that is exposed and in all that is not.
    pub(crate) fn compare(&mut self, memory: bool) {
        for frame in 0..FRAMES {
            assert_eq!(self.core.frames.get(frame), Some(&self.model.frame_record(frame)), "frame {frame}");
        }
        for place in 0..PLACES {
            let record = self.core.environments.record_at(place as usize);
            assert_eq!(record, Some(&self.model.environment_record(place)), "environment {place}");
        }
        for cpu in 0..CPUS as u64 {
            let vector = &self.core.slices.vectors()[cpu as usize];
            for position in 0..64 {
                let record = self.model.slice_record(cpu, position);
                assert_eq!(vector.slices[position as usize], record, "slice {cpu}.{position}");
            }
            assert_eq!((vector.position, vector.begun), self.model.clocks[cpu as usize]);
        }
        let environments: Vec<Environment> = self.model.environments.values().cloned().collect();
        self.compare_gates();
        for environment in &environments {
            self.compare_private(environment);
            self.compare_page(environment);
        }
        let entries =
            self.machine.spaces.values().flat_map(|space| space.entries.iter().map(|entry| (space.id, entry)));
        let entries: BTreeMap<_, _> =
            entries.map(|(id, (&frame, entry))| ((id, frame), (entry.rights, u64::from(entry.slot)))).collect();
        assert_eq!(entries, self.model.bindings);
        let system = self.core.system();
        assert_eq!(system.revocation, self.model.counters);
        assert_eq!((system.calls, system.failed_calls), (self.model.calls, self.model.failed));
        assert_eq!(self.core.claims as usize, self.model.claims.len());
        assert_eq!(core::mem::take(&mut self.machine.written), core::mem::take(&mut self.model.written));
        assert_eq!(self.machine.typed, self.model.typed);
        if memory {
            assert!(self.machine.memory == self.model.memory, "memory differs");
        }
    }

    fn compare_private(&self, environment: &Environment) {
        let id = environment.id;
        let private = self.core.environments.private(id).expect("somebody");
        let slots: BTreeMap<u64, Slot> =
            private.slots.iter().filter_map(|(at, slot)| Some((at.into(), plain(slot)?))).collect();
        assert_eq!(slots, environment.slots, "{id}");
        assert_eq!((private.input, private.told_of_input), (environment.input, environment.told_of_input));
        let vcpus = private.vcpus.iter().enumerate().filter_map(|(at, vcpu)| Some((at as u64, (*vcpu)?)));
        let vcpus: BTreeMap<u64, (u64, Waiting)> =
            vcpus.map(|(at, vcpu)| (at, (vcpu.cpu.into(), vcpu.waiting))).collect();
        let expected = environment.vcpus.iter().map(|(&at, vcpu)| (at, (vcpu.cpu, waiting(&vcpu.wait))));
        assert_eq!(vcpus, expected.collect(), "{id}");
        for (&at, vcpu) in &environment.vcpus {
            let word = self.core.event_word(id, at as usize).map(|word| word.load(Ordering::Relaxed));
            assert_eq!(word, Some(vcpu.raised), "{id} {at}");
            assert_eq!(self.machine.event_pages[&(id.place(), at as usize)], (vcpu.pending, vcpu.mask));
        }
        let claim = self.model.claims.iter().find(|claim| claim.victim == id);
        let basis = |claim: &Claim| Basis { entitled: claim.entitled, dominated: claim.dominated };
        let claim = claim.map(|claim| (claim.claimant, core_wanted(claim.wanted), claim.left, basis(claim)));
        let request = private.request.map(|claim| (claim.claimant, claim.wanted, claim.left, claim.basis));
        assert_eq!(request, claim, "{id}");
        let claims_from = self.model.claims.iter().find(|claim| claim.claimant == id).map(|claim| claim.victim);
        assert_eq!(private.claims_from, claims_from, "{id}");
    }

    fn compare_gates(&self) {
        let gates = &self.model.gates;
        let mut bound = BTreeMap::new();
        for place in 0..PLACES as usize {
            let Some(id) = self.core.environments.at(place) else { continue };
            for (slot, word) in (0..).zip(&self.core.gates.slots[place]) {
                let word = word.load(Ordering::Relaxed);
                if word != 0 {
                    bound.insert((id, slot), (word & 0xffff, word >> 16));
                }
            }
        }
        let expected = gates.bound.iter().map(|(at, (gate, slot))| (*at, (number(*gate), *slot)));
        assert_eq!(bound, expected.collect());
        for environment in self.model.environments.values() {
            for (&at, vcpu) in &environment.vcpus {
                let who = (environment.id, at);
                let word = |words: &[AtomicU64]| words[number(who) as usize].load(Ordering::Relaxed);
                let caller =
                    if gates.waiting.contains(&who) { WAITING } else { gates.caller_of(who).map_or(0, number) };
                assert_eq!(word(self.core.gates.callers), caller, "the caller of {who:?}");
                assert_eq!(word(self.core.gates.callees), gates.calls.get(&who).map_or(0, |&callee| number(callee)));
                let deadline = gates.deadlines.get(&who).copied().unwrap_or(u64::MAX);
                let ready = environment.state == environment_state::RUNNING
                    && vcpu.raised == 0
                    && deadline == u64::MAX
                    && !gates.arriving.contains_key(&who);
                assert_eq!(word(self.core.gates.ready), ready.into(), "whether {who:?} is ready");
                let mail = &self.core.mail[number(who) as usize];
                let letter = |mail: &Option<Mail>| mail.map(|mail| (mail.word, mail.message));
                assert_eq!(letter(&mail.arriving), gates.arriving.get(&who).copied(), "{who:?}");
                assert_eq!(letter(&mail.queued), gates.queued.get(&who).copied(), "{who:?}");
                let limit = gates.limits.get(&who).copied().unwrap_or(0);
                assert_eq!((mail.deadline, mail.limit), (deadline, limit), "{who:?}");
                let guard = self.core.environments.vcpu(who.0, at as usize).and_then(|vcpu| vcpu.gate);
                assert_eq!(guard.map(|name| name.as_bytes().to_vec()).as_ref(), gates.guards.get(&who), "{who:?}");
            }
        }
    }

    fn compare_page(&mut self, environment: &Environment) {
        if environment.state == environment_state::ENDED {
            return;
        }
        let page = self.machine.environment_page(environment.id.place()).expect("a page");
        let expected = &environment.page;
        assert_eq!((page.request, page.claim), (expected.request, expected.claim), "{}", environment.id);
        assert_eq!(page.repossessed, expected.log.len() as u64, "{}", environment.id);
        let oldest = expected.log.len().saturating_sub(REPOSSESSIONS);
        for (number, entry) in expected.log.iter().enumerate().skip(oldest) {
            assert_eq!(page.repossessions[number % REPOSSESSIONS], *entry, "{} {number}", environment.id);
        }
    }
}

fn plain(slot: CoreSlot) -> Option<Slot> {
    match slot {
        CoreSlot::Empty => None,
        CoreSlot::Open(from) => Some(Slot::Open(from)),
        CoreSlot::Held(held) => Some(Slot::Held(held.name.as_bytes().to_vec(), held.rights)),
    }
}

fn waiting(wait: &Wait) -> Waiting {
    match wait {
        Wait::No => Waiting::No,
        Wait::Until(until) => Waiting::Until(*until),
        Wait::Halted(until) => Waiting::Halted(*until),
        Wait::On(program) => {
            let program = program.iter().map(|&(operation, operand)| Instruction { operation, operand });
            Waiting::On(Predicate::new(&program.collect::<Vec<_>>()).expect("well formed"))
        }
    }
}

fn core_wanted(wanted: Wanted) -> CoreWanted {
    match wanted {
        Wanted::Run(first, count) => CoreWanted::Run { first, end: first + count },
        Wanted::Count => CoreWanted::Frames,
        Wanted::Slice(cpu, position) => CoreWanted::Slice { cpu: cpu as usize, position: position as usize },
    }
}
