//! What CPUs, real ones and those of Bochs, say of themselves, as data for the tests.
//!
//! To add one: boot the kernel on the CPU, copy the numbers of its `capability` lines of the log into a table like the
//! two here, and say in `source` where it ran.

mod bochs;
mod coffee_lake;
mod ivy_bridge;

pub use coffee_lake::COFFEE_LAKE;
pub use ivy_bridge::IVY_BRIDGE;

use super::capability::{CapabilityMsrs, CpuidSummary};

/// Every set, for tests that hold on all CPUs.
pub const SETS: &[&CapabilitySet] = &[
    &IVY_BRIDGE,
    &COFFEE_LAKE,
    &bochs::SANDY_BRIDGE,
    &bochs::IVY_BRIDGE,
    &bochs::HASWELL,
    &bochs::BROADWELL,
    &bochs::SKYLAKE,
    &bochs::ICE_LAKE,
    &bochs::TIGER_LAKE,
];

/// One CPU's registers.
#[derive(Debug)]
pub struct CapabilitySet {
    /// What the CPU calls itself, or what its signature stands for.
    pub name: &'static str,
    /// Where the numbers come from.
    pub source: &'static str,
    /// MSRs as (number, value); one that is not listed does not exist.
    pub msrs: &'static [(u32, u64)],
    /// CPUID as (leaf, subleaf, EAX to EDX); what is not listed is zero.
    pub cpuid: &'static [(u32, u32, [u32; 4])],
}

impl CapabilitySet {
    /// RDMSR; `None` where it faults.
    pub fn rdmsr(&self, number: u32) -> Option<u64> {
        self.msrs.iter().find(|&&(listed, _)| listed == number).map(|&(_, value)| value)
    }

    /// CPUID, with the contents of the highest basic leaf beyond the highest one, as hardware has it.
    pub fn cpuid(&self, leaf: u32, subleaf: u32) -> [u32; 4] {
        let listed = |leaf| self.cpuid.iter().find(|&&(l, s, _)| (l, s) == (leaf, subleaf)).map(|&(_, _, r)| r);
        let highest = |base: u32| self.cpuid.iter().find(|&&(l, _, _)| l == base).map_or(base, |&(_, _, r)| r[0]);
        let beyond = leaf > highest(leaf & 0x8000_0000);
        listed(if beyond { highest(0) } else { leaf }).unwrap_or_default()
    }

    /// The capability MSRs as the kernel reads them.
    pub fn capability_msrs(&self) -> CapabilityMsrs {
        CapabilityMsrs::read(|number| self.rdmsr(number))
    }

    /// CPUID as the kernel reads it.
    pub fn cpuid_summary(&self) -> CpuidSummary {
        CpuidSummary::read(|leaf, subleaf| self.cpuid(leaf, subleaf).into())
    }
}
