//! Protected control transfer: a call through a gate of another environment, which answers with the nonce. Where a row is `full`, both
//! sides clear their vector state and set MXCSR and the x87 control word.

use crate::claims::by_name;
use crate::meter::Meter;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use exo_user::capability::Capability;
use exo_user::gate::{self, Gate, clear_vector_state};
use exo_user::{call, counters};
use guests::exits::reason;
use measure::{Counts, Operation, Plan};

/// Where the manifest puts the capabilities over the callees.
const SLOTS: [u8; 2] = [5, 6];
/// What a message asks for in its second word: the callee's count of exits.
const COUNT: u64 = 1;

/// Exits for calls and for loads of CR3 so far. Apart, so that answering anything else does not pay for it.
#[cold]
#[inline(never)]
fn counted() -> [u64; 2] {
    let exits = counters().exits;
    [exits[reason::VMCALL], exits[reason::CR_ACCESS]]
}

/// Answers for ever.
pub fn callee(full: bool) -> Result<(), String> {
    gate::open(Capability::own(), 0).map_err(|failure| format!("open: {failure}"))?;
    let Err(error) = gate::serve(|request| {
        if full {
            clear_vector_state();
        }
        let [nonce, what, ..] = request.message;
        let [answer, loads] = if what == COUNT { counted() } else { [nonce, 0] };
        if full {
            clear_vector_state();
        }
        [answer, loads, 0, 0, 0, 0]
    });
    Err(format!("serve: {error}"))
}

struct Call<const FULL: bool> {
    gate: Gate,
    nonce: u64,
    answer: u64,
    /// How often the callee was asked for its count: each answer is one of its exits.
    asked: u64,
}

impl<const FULL: bool> Operation for Call<FULL> {
    fn prepare(&mut self, nonce: u64) {
        (self.nonce, self.answer) = (nonce, !nonce);
    }

    #[inline(always)]
    fn run(&mut self) {
        if FULL {
            clear_vector_state();
        }
        if let Ok([answer, ..]) = self.gate.call([self.nonce, 0, 0, 0, 0, 0]) {
            self.answer = answer;
        }
        if FULL {
            clear_vector_state();
        }
    }

    fn evidence(&mut self) -> u64 {
        self.answer
    }

    fn counts_elsewhere(&mut self) -> Counts {
        let [calls, loads] = self.gate.call([0, COUNT, 0, 0, 0, 0]).map_or([0; 2], |[calls, loads, ..]| [calls, loads]);
        let own = self.asked;
        self.asked += 1;
        // Its loads of CR3 exit only where they are counted.
        Counts { exits: (calls + loads).wrapping_sub(own), cr3: Some(loads) }
    }
}

fn row<const FULL: bool>(meter: &mut Meter, id: &'static str, name: &str, slot: u8) -> Result<(), String> {
    let callee = by_name(name).ok_or_else(|| format!("there is no {name}"))?;
    let over = Arc::new(Capability::adopt(slot).ok_or("a capability over the callee is missing")?);
    // The callee opens its gate, and then waits, in slices of its own.
    let gate = loop {
        match Gate::bind(over.clone(), callee, 0) {
            Ok(gate) => break gate,
            Err(_) => call::yield_slice(),
        }
    };
    while gate.call([0; 6]).is_err() {
        call::yield_slice();
    }
    let mut operation = Call::<FULL> { gate, nonce: 0, answer: 0, asked: 0 };
    let plan = Plan::default().with_rings(0);
    meter.row(id, &plan, &mut operation).map_err(|failure| failure.to_string())
}

/// `pct`.
pub fn scalar(meter: &mut Meter) -> Result<(), String> {
    row::<false>(meter, "pct", "callee", SLOTS[0])
}

/// `pct-full`.
pub fn full(meter: &mut Meter) -> Result<(), String> {
    row::<true>(meter, "pct-full", "full-callee", SLOTS[1])
}
