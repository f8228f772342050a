//! Revocation under load: victims that hold all the memory and answer in four ways, and a claimant that is below its guarantee.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]

exo_user::entry!(guests::revocation::run);
