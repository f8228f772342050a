//! Whole sequences: every decision of the generator is a byte.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| exo_core::tests::run_bytes(bytes));
