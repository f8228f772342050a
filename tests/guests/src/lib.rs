//! What the test guests share.
#![cfg_attr(not(test), no_std)]
// Tests of protection break rules on purpose, in assembly.
#![allow(unsafe_code)]
