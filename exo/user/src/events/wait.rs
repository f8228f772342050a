//! Giving up the CPU until something happens.

use crate::call::{Failure, Kernel, Machine};
use crate::predicate::Predicate;
use crate::{EnvironmentId, cpu, page_table};
use exo_abi::error::Error;

/// Sleeps until an event that is not masked comes, or the TSC reaches `until`; 0 is never. Returns at once where such an event is
/// pending. Between a look at what one waits for and this call an event may come and be taken: [`wait`] has no such gap.
pub fn block(until: u64) {
    // The table has no error for it.
    let _ = Machine.block(until);
}

/// Sleeps until `condition` holds or the TSC reaches `until` (0 is never), and looks again after each event that is not masked;
/// whether it holds. The condition is evaluated with interrupts off.
pub fn wait(until: u64, mut condition: impl FnMut() -> bool) -> bool {
    x86_64::instructions::interrupts::without_interrupts(|| {
        loop {
            if condition() {
                return true;
            }
            if until != 0 && cpu::read_tsc() >= until {
                return false;
            }
            // An event since the condition was evaluated is pending still, for no interrupt took it.
            block(until);
            super::poll();
        }
    })
}

/// Sleeps until an event that is not masked comes or the predicate is not zero.
///
/// # Errors
/// As the table says.
pub fn block_on(predicate: &Predicate) -> Result<(), Failure> {
    let program = predicate.instructions();
    // A predicate is aligned so that it lies in one page.
    let physical = page_table::translate(program.as_ptr() as u64).ok_or(Error::NotBound)?;
    Machine.block_on(physical, program.len() as u64).map(drop)
}

/// Gives the rest of the slice to a virtual CPU on the same CPU. Its time is the payer's.
///
/// # Errors
/// As the table says.
pub fn yield_to(environment: EnvironmentId, vcpu: usize) -> Result<(), Failure> {
    Machine.yield_to(environment.argument(), vcpu as u64).map(drop)
}
