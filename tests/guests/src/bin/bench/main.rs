//! Prices, measured by the crate `measure`, whose lines they are. The argument says which: nothing for what one environment does alone,
//! `claims` and `gates` for what takes others, which run as `victim`, `partner` and `callee`; `cr3` after it where the kernel counts loads of CR3.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]
#![allow(unsafe_code)] // operations on bare memory and on the kernel's call

extern crate alloc;

mod claims;
mod faults;
mod frames;
mod gates;
mod meter;
mod virtual_memory;

use alloc::string::{String, ToString};
use exo_user::abi::boot_page::BootPage;
use exo_user::eprintln;
use measure::{Plan, returning};
use meter::Meter;

exo_user::entry!(main);

/// Measures and prints one or more rows.
type Measure = fn(&mut Meter) -> Result<(), String>;

/// The null call, with the nonce in a register that the kernel clears.
fn null_call(meter: &mut Meter) -> Result<(), String> {
    let call = |nonce: u64| {
        let (code, value): (u64, u64);
        // SAFETY: this call changes rax and rdx only and touches no memory.
        unsafe {
            core::arch::asm!("vmcall", inlateout("rax") 0_u64 => code, inlateout("rdx") nonce => value, options(nostack))
        };
        nonce ^ value ^ code
    };
    let plan = Plan::default().with_rings(0);
    meter.row("null-call", &plan, &mut returning(|_| (), call)).map_err(|failure| failure.to_string())
}

/// Measures one after the other; how many failed.
fn all(meter: &mut Meter, rows: &[Measure]) -> u32 {
    let mut failures = 0;
    for measure in rows {
        if let Err(reason) = measure(meter) {
            eprintln!("{reason}");
            failures += 1;
        }
    }
    failures
}

fn main(boot: &'static BootPage) -> u32 {
    // The kernel answers a null call on its shortest path only where interrupts are on.
    exo_user::cpu::enable_interrupts();
    let mut words = boot.arguments().split_whitespace();
    let role = words.next().unwrap_or("alone");
    let cr3 = words.next() == Some("cr3");
    let mut meter = meter::new(cr3);
    match role {
        "victim" => return failed(claims::victim()),
        "partner" => return failed(claims::partner()),
        "callee" => return failed(gates::callee(false)),
        "full-callee" => return failed(gates::callee(true)),
        _ => meter::controls(&mut meter, cr3),
    }
    if role == "gates" {
        return all(&mut meter, &[gates::scalar, gates::full]);
    }
    if role == "claims" {
        let frames = boot.runs().first().copied();
        return all(&mut meter, &[claims::switch]) + failed(claims::claims(&mut meter, frames));
    }
    let rows: [Measure; 8] = [
        null_call,
        virtual_memory::exception,
        virtual_memory::regions,
        faults::repoint,
        faults::bind,
        frames::allocate,
        frames::bind_and_unbind,
        claims::event,
    ];
    all(&mut meter, &rows)
}

fn failed(result: Result<(), String>) -> u32 {
    if let Err(reason) = &result {
        eprintln!("{reason}");
    }
    u32::from(result.is_err())
}
