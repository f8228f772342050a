//! The specification a second time, from the text of the call table and without cleverness: maps, sets and loops over everything.
//! Nothing is counted that can be looked up, nothing is kept in two places. Only the types of the interface are shared with the core.

mod bindings;
mod capabilities;
mod claims;
mod environments;
mod expose;
mod force;
mod frames;
mod gates;
mod memory;
mod scheduling;
mod state;
mod teardown;
mod time;

pub(crate) use expose::name_of;
pub(crate) use gates::{Gates, Who};
pub(crate) use state::{Claim, Environment, Frame, Owned, Page, Slice, Slot, Vcpu, Wait, Wanted};

use crate::calls::Effect;
use crate::environment::EnvironmentId;
use crate::gates::Message;
use exo_abi::console::Stream;
use exo_abi::error::Error;
use exo_abi::info::RevocationCounters;
use std::collections::{BTreeMap, VecDeque};
use std::vec::Vec;

pub(crate) type Id = EnvironmentId;
/// An error and the number of what was wrong.
pub(crate) type Fail = (Error, u64);
pub(crate) type Answer = Result<(u64, Effect), Fail>;
pub(crate) type Run = (u64, u64);

pub(crate) fn fails<T>(error: Error) -> Result<T, Fail> {
    Err((error, 0))
}

pub(crate) fn done(value: u64) -> Answer {
    Ok((value, Effect::None))
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) frames: Vec<Frame>,
    pub(crate) memory: Vec<u8>,
    /// By place: whoever is there, ended or not.
    pub(crate) environments: BTreeMap<u32, Environment>,
    pub(crate) generations: BTreeMap<u32, u32>,
    pub(crate) places: u32,
    /// Rights and slot by environment and frame.
    pub(crate) bindings: BTreeMap<(Id, u64), (u64, u64)>,
    /// By CPU and position: those that are somebody's or promised.
    pub(crate) slices: BTreeMap<(u64, u64), Slice>,
    /// Lost slices by CPU and position.
    pub(crate) penalties: BTreeMap<(u64, u64), u32>,
    /// Of each CPU: the position that ran last, and how many slices have begun.
    pub(crate) clocks: Vec<(u64, u64)>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) gates: Gates,
    /// The message of the call that is under way.
    pub(crate) message: Message,
    pub(crate) serial: u64,
    pub(crate) counters: RevocationCounters,
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) slice_ticks: u64,
    pub(crate) now: u64,
    pub(crate) written: Vec<(u8, Stream, u8)>,
    pub(crate) typed: VecDeque<u8>,
    /// What has happened that a good sequence makes happen.
    pub(crate) seen: BTreeMap<&'static str, u64>,
}

impl Model {
    pub(crate) fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_insert(0) += 1;
    }

    /// Does a call: what rax and rdx are, and what happens then. Who does not run has no calls.
    pub(crate) fn call(&mut self, caller: Id, vcpu: u64, word: u64, arguments: [u64; 6]) -> Option<(u64, u64, Effect)> {
        if !self.runs(caller) {
            return None;
        }
        let bytes = word.to_le_bytes();
        let number = u64::from(bytes[0]) | u64::from(bytes[1]) << 8;
        let presented = (u64::from(bytes[2]), u64::from(bytes[3]));
        if word != 0 {
            self.calls += 1;
        }
        let answer = if word >> 32 != 0 {
            fails(Error::UnknownCall)
        } else {
            self.do_call(caller, vcpu, number, presented, arguments)
        };
        Some(match answer {
            Ok((value, effect)) => (0, value, effect),
            Err((error, detail)) => {
                self.failed += 1;
                (error.number(), detail, Effect::None)
            }
        })
    }

    fn do_call(&mut self, me: Id, vcpu: u64, number: u64, (first, second): (u64, u64), args: [u64; 6]) -> Answer {
        let [a, b, c, d, e, _] = args;
        // A slot that a call does not use is 0.
        let without_credential = matches!(number, 0..=9 | 12 | 13 | 19 | 20 | 23 | 24 | 26 | 45 | 47 | 49 | 51 | 52);
        let with_second = matches!(number, 11 | 19..=25 | 37);
        if number <= 52 && (without_credential && first != 0 || !with_second && second != 0) {
            return fails(Error::BadArgument);
        }
        match number {
            0 => done(0),
            1 => Ok((0, Effect::EndEnvironment { status: u32::try_from(a % (1 << 32)).expect("32 bits") })),
            2 => self.console_write(me, a, b, c),
            3 => self.console_read(me, a, b),
            4 => Ok((0, Effect::YieldSlice)),
            5 if a > 1 => Err((Error::BadArgument, a)),
            5 => Ok((0, Effect::FaultDelivery { on: a == 1 })),
            6 if [a, b].iter().any(|&address| !time::is_canonical(address)) => fails(Error::BadArgument),
            6 => Ok((0, Effect::LastResort { instruction: a, stack: b })),
            7 => self.block(me, vcpu, a),
            8 => self.block_on(me, vcpu, a, b),
            9 => self.yield_to(me, vcpu, a, b),
            10 => self.derive(me, first, [a, b, c, d]),
            11 => self.grant(me, (first, second), [a, b, c]),
            12 => self.accept(me, a, b),
            13 => self.drop_slot(me, a),
            14 => self.revoke(me, first, a, b),
            15 => self.with_modify(me, first, |model, name| model.allocate(me, &name, model.run(a, b, 512))),
            16 => self.with_modify(me, first, |model, name| model.allocate(me, &name, model.list(me, a, b, 512))),
            17 => self.with_modify(me, first, |model, name| model.free(me, &name, model.run(a, b, 4096))),
            18 => self.with_modify(me, first, |model, name| model.free(me, &name, model.list(me, a, b, 4096))),
            19 => self.bind(me, second, [a, b, c], |model| model.run(d, e, 4096)),
            20 => self.bind(me, second, [a, b, c], |model| model.list(me, d, e, 4096)),
            21 => self.unbind(me, (first, second), a, |model| model.run(b, c, 4096)),
            22 => self.unbind(me, (first, second), a, |model| model.list(me, b, c, 4096)),
            23 => self.change_rights(me, second, [a, b, c], |model| model.run(d, e, 4096)),
            24 => self.change_rights(me, second, [a, b, c], |model| model.list(me, d, e, 4096)),
            25 => self.set_guard(me, (first, second), a, b),
            26 => self.set_guaranteed(me, a, b, c),
            27 => self.with_modify(me, first, |model, name| model.reserve_add(me, &name, a, b)),
            28 => self.with_modify(me, first, |model, name| model.create(me, &name, a, b)),
            29 => self.start(me, first, a),
            30 => self.stop(me, first, a),
            31 => self.destroy(me, first, a),
            32 => self.forget_call(me, first, a),
            33 => self.set_name(me, first, [a, b, c]),
            34 => self.guarantee_move(me, first, [a, b, c]),
            35 => self.vcpu_create(me, first, [a, b, c, d, e]),
            36 => self.notify(me, first, a, b),
            37 => self.slice_allocate(me, (first, second), [a, b, c, d]),
            38 => self.slice_free(me, first, a, b),
            39 => self.slice_give(me, first, [a, b, c, d]),
            40 => self.claim_run(me, first, [a, b, c]),
            41 => self.claim_count(me, first, [a, b]),
            42 => self.claim_slice(me, first, [a, b, c]),
            43 => self.capability_with(me, first, 1 << 8).and_then(|_| done(0)),
            44 => self.gate_open(me, first, a),
            45 => self.gate_close(me, a),
            46 => self.gate_bind(me, first, [a, b, c]),
            47 => self.gate_unbind(me, a),
            48 => self.gate_call((me, vcpu), first),
            49 => self.gate_reply((me, vcpu)),
            50 => self.gate_send((me, vcpu), first),
            51 => self.set_call_limit((me, vcpu), a),
            52 => self.gate_release((me, vcpu), a),
            _ => fails(Error::UnknownCall),
        }
    }
}
