//! Slices: positions of the exposed vectors, taken by name. The library takes the lowest that are free; whoever wants others names
//! them in calls of his own.

use crate::call::{Failure, Kernel, Machine};
use crate::capability::Capability;
use crate::{EnvironmentId, info};
use exo_abi::error::Error;
use exo_abi::info::slice_state;

/// Gives `count` free positions of a CPU's vector to a virtual CPU on it, guarded by `guard`; how many were had.
///
/// # Errors
/// As the table says; what came before stays.
pub fn allocate(
    cpu: u32,
    count: u32,
    guard: &Capability,
    (environment, vcpu): (EnvironmentId, usize),
) -> Result<u32, Failure> {
    let own = Capability::own().slot();
    let mut taken = 0;
    for (position, _) in info::slices(cpu).filter(|(_, record)| record.state == slice_state::FREE) {
        if taken == count {
            break;
        }
        let (cpu, position) = (cpu.into(), position as u64);
        match Machine.slice_allocate(guard.slot(), own, cpu, position, environment.argument(), vcpu as u64) {
            // Somebody was faster.
            Err(Failure { error: Error::SliceTaken, .. }) => {}
            other => {
                other?;
                taken += 1;
            }
        }
    }
    Ok(taken)
}

/// Gives a slice back.
///
/// # Errors
/// As the table says.
pub fn free(cpu: u32, position: usize, guard: &Capability) -> Result<(), Failure> {
    Machine.slice_free(guard.slot(), cpu.into(), position as u64).map(drop)
}
