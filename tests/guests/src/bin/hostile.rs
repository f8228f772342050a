//! Breaks one rule, named by the first word of the arguments. `docs/hostile-guests.md` lists them.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]

exo_user::entry!(guests::hostile::run);
