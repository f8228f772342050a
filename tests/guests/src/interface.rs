//! The interface used as it is meant to be: each scenario is what a library OS would do, and says what it saw.

mod environments;
mod gates;
mod rings;
mod sharing;
mod time;

use crate::hostile::Verdict;
use exo_user::abi::boot_page::BootPage;
use exo_user::{eprintln, println};

type Scenario = (&'static str, fn(&'static BootPage) -> Verdict);

/// All scenarios.
const SCENARIOS: &[Scenario] = &[
    ("giver", sharing::give),
    ("taker", sharing::take),
    ("child", environments::child),
    ("guarantee", environments::guarantee),
    ("virtual-cpus", environments::virtual_cpus),
    ("timer", time::timer),
    ("predicate", time::predicate),
    ("directed-yield", time::directed_yield),
    ("slices", time::slices),
    ("masking", time::masking),
    ("halting", time::halting),
    ("undisturbed", time::undisturbed),
    ("gate-calls", gates::calls),
    ("gate-nested", gates::nested),
    ("gate-one-way", gates::one_way),
    ("gate-limits", gates::limits),
    ("gate-server", gates::server),
    ("gate-release", gates::release),
    ("ring", rings::ring),
];

/// Plays the scenario that the arguments name; the exit status.
pub fn run(boot: &'static BootPage) -> u32 {
    let name = boot.arguments();
    let Some((_, scenario)) = SCENARIOS.iter().find(|(known, _)| *known == name) else {
        eprintln!("no scenario is called {name:?}");
        return 2;
    };
    match scenario(boot) {
        Ok(()) => {
            println!("{name} works");
            0
        }
        Err(difference) => {
            eprintln!("{name}: {difference}");
            1
        }
    }
}
