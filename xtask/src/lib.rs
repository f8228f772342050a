//! Ravelin's only build system. Every step of a developer's day, and every step of CI, is one verb of it; the boot
//! tests and benches use it as a library.

pub mod bench;
pub mod build;
pub mod cargo;
pub mod check_cpu;
pub mod ci;
pub mod cli;
pub mod corpus;
pub mod cpio;
pub mod host;
pub mod image;
pub mod interrupt;
pub mod lint;
pub mod machine;
pub mod manifest;
pub mod packages;
pub mod paths;
pub mod printer;
pub mod process;
pub mod report;
pub mod root;
pub mod run;
pub mod setup;
pub mod sysroot;
pub mod test;
pub mod toolchain;
pub mod words;
