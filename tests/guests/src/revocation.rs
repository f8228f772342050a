//! Revocation under load. The arguments say who this is: `claimant`, which gives up frames of its guarantee and claims them back, or a
//! victim that has taken what was free and `cooperates`, is `slow`, has no slice (`timeless`), or `ignores` what is asked of it.

mod asker;
mod claimant;
mod victim;

use crate::hostile::Verdict;
use exo_user::abi::boot_page::BootPage;
use exo_user::eprintln;

/// Frames that the claimant gives up, and claims from each victim in turn.
const CLAIMED: u64 = 64;
/// Frames that each victim takes beyond its guarantee.
const TAKEN: u64 = 2048;
/// The victims in the order in which they are asked.
const VICTIMS: [&str; 4] = ["cooperates", "slow", "timeless", "ignores"];

/// Plays the part that the arguments name; the exit status.
pub fn run(boot: &'static BootPage) -> u32 {
    if let Some(name) = boot.arguments().strip_prefix("asks ") {
        return asker::run(boot, name);
    }
    let verdict = match boot.arguments() {
        "claimant" => claimant::run(boot),
        part => victim::run(boot, part),
    };
    verdict_status(verdict)
}

fn verdict_status(verdict: Verdict) -> u32 {
    match verdict {
        Ok(()) => 0,
        Err(difference) => {
            eprintln!("revocation: {difference}");
            1
        }
    }
}
