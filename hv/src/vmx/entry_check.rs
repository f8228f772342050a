//! Which rule of VM entry a VMCS breaks (SDM 27.2 and 27.3.1).
//!
//! The CPU itself says only "invalid control field(s)", "invalid host-state field(s)" or "invalid guest state". These
//! tables say which. They are for reports, never a gate: the CPU decides, and knows rules of features that are not used
//! here (PAE guests, system-management mode, CET).

mod controls;
mod guest;
mod host;
mod segments;
#[cfg(test)]
mod tests;

use super::capability::CapabilityMsrs;
use super::fields::{Field, Width};

/// A rule that a VMCS breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The rule, as it would hold.
    pub name: &'static str,
    /// Where the manual has it.
    pub section: &'static str,
}

/// One rule: true where the VMCS keeps it.
struct Rule {
    name: &'static str,
    section: &'static str,
    holds: fn(&View<'_>) -> bool,
}

/// A VMCS and the CPU that is to enter with it.
struct View<'v> {
    read: &'v dyn Fn(u32) -> u64,
    msrs: &'v CapabilityMsrs,
}

impl View<'_> {
    fn get<W: Width>(&self, field: Field<W>) -> W {
        W::from_raw((self.read)(field.encoding()))
    }
}

/// Reports every rule that the VMCS breaks, in the order in which the CPU checks areas: controls, host, guest.
///
/// `read` reads the VMCS by encoding, a field that the CPU does not have as 0.
pub fn check(read: &dyn Fn(u32) -> u64, msrs: &CapabilityMsrs, mut report: impl FnMut(&Violation)) {
    let view = View { read, msrs };
    for rule in [controls::RULES, host::RULES, guest::RULES, segments::RULES].into_iter().flatten() {
        if !(rule.holds)(&view) {
            report(&Violation { name: rule.name, section: rule.section });
        }
    }
}

/// Defines a table of rules: name, section, and what holds.
macro_rules! rules {
    ($($section:literal { $($name:literal => $holds:expr;)* })*) => {
        pub(super) const RULES: &[super::Rule] =
            &[$($(super::Rule { name: $name, section: $section, holds: $holds },)*)*];
    };
}
use rules;

const PAGE_OFFSET: u64 = 0xfff;

/// Whether an address is one that memory can have: below 2^52, or 2^32 where the CPU limits VMX structures (SDM A.1).
fn in_width(view: &View<'_>, address: u64) -> bool {
    const LIMITED_TO_32_BITS: u64 = 1 << 48;
    address >> if view.msrs.basic & LIMITED_TO_32_BITS == 0 { 52 } else { 32 } == 0
}

fn page_address(view: &View<'_>, address: u64) -> bool {
    address & PAGE_OFFSET == 0 && in_width(view, address)
}

/// Whether bits 63:47 are all equal: the width of linear addresses without five-level paging.
const fn canonical(address: u64) -> bool {
    let high = address >> 47;
    high == 0 || high == 0x1_ffff
}

/// Whether each byte is a memory type that a PAT entry can have (SDM Vol. 3A, 12.12.2).
fn valid_pat(pat: u64) -> bool {
    pat.to_le_bytes().iter().all(|kind| matches!(kind, 0 | 1 | 4..=7))
}

/// IA32_EFER.LME.
const LONG_MODE_ENABLE: u64 = 1 << 8;
/// IA32_EFER.LMA.
const LONG_MODE_ACTIVE: u64 = 1 << 10;

/// Whether only SCE, LME, LMA and NXE are set.
const fn efer_without_reserved(efer: u64) -> bool {
    efer & !(1 | LONG_MODE_ENABLE | LONG_MODE_ACTIVE | 1 << 11) == 0
}

/// Whether a control register has all bits that `fixed0` demands and none that `fixed1` lacks (SDM A.7, A.8).
const fn within_fixed(value: u64, fixed0: u64, fixed1: u64) -> bool {
    value & fixed0 == fixed0 && value & !fixed1 == 0
}
