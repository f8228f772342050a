//! Protected control transfer: a call through a gate of another environment, which answers with the nonce plus one.

use crate::report_prepared;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use exo_user::abi::boot_page::BootPage;
use exo_user::capability::Capability;
use exo_user::gate::{self, Gate};

/// Where the manifest puts the capability over the callee.
const SLOT: u8 = 5;
const CALLS: u32 = 20_000;

/// Answers for ever: with the vector state cleared where the first word asks for it.
pub fn callee() -> Result<(), String> {
    gate::open(Capability::own(), 0).map_err(|failure| format!("open: {failure}"))?;
    let Err(error) = gate::serve(|request| {
        let [nonce, ..] = request.message;
        [nonce + 1, 0, 0, 0, 0, 0]
    });
    Err(format!("serve: {error}"))
}

/// `pct` and `pct-full`.
pub fn call(overhead: u64, _boot: &BootPage) -> Result<(), String> {
    let callee = crate::claims::by_name("callee").ok_or("there is no callee")?;
    let over = Arc::new(Capability::adopt(SLOT).ok_or("the capability over the callee is missing")?);
    // The callee opens its gate in a slice of its own.
    let gate = loop {
        match Gate::bind(over.clone(), callee, 0) {
            Ok(gate) => break gate,
            Err(_) => exo_user::call::yield_slice(),
        }
    };
    while gate.call([0; 6]).is_err() {
        exo_user::call::yield_slice();
    }
    let (mut nonce, mut wrong) = (0_u64, 0_u64);
    report_prepared(
        "pct",
        overhead,
        CALLS,
        || {
            nonce += 1;
            nonce
        },
        |nonce| match gate.call([nonce, 0, 0, 0, 0, 0]) {
            Ok([answer, ..]) => wrong += u64::from(answer != nonce + 1),
            Err(_) => wrong += 1,
        },
    );
    if wrong > 0 { Err(format!("{wrong} calls were not answered as they should be")) } else { Ok(()) }
}
