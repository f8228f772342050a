//! Uses a part of the interface, named by the first word of the arguments, as it is meant to be used.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]

exo_user::entry!(guests::interface::run);
