//! Tests that boot a machine. One test for each machine and group of scenarios; the kernel is the one that ships.

mod budget;
mod data;
mod exec;
mod hello;
mod hostile;
mod input;
mod interface;
mod matrix;
mod neighbours;
mod outcomes;
mod refusal;
mod resources;
mod revocation;
mod terminal;
mod traps;
mod unix;
mod unix_hostile;
mod unix_memory;
