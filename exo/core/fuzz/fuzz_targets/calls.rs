//! Raw registers: 56 bytes a call, rax and six arguments.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| exo_core::tests::run_raw_calls(bytes));
