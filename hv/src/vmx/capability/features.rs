//! What Ravelin requires of VMX and what it can use, decided from the capability MSRs and CPUID alone.

use super::{Allowed, CapabilityMsrs, CpuidSummary};
use crate::vmx::controls::{EntryControls, ExitControls, PinControls, PrimaryControls, SecondaryControls};
use core::fmt;

/// A required feature that this CPU, or the hypervisor below, does not offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missing {
    /// The manual's name of the feature.
    pub feature: &'static str,
    /// Where the manual describes it.
    pub section: &'static str,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this CPU does not offer {} (SDM {}), which Ravelin requires", self.feature, self.section)
    }
}

impl core::error::Error for Missing {}

/// Bits of IA32_VMX_EPT_VPID_CAP (SDM A.10).
mod ept_vpid {
    pub const EXECUTE_ONLY: u64 = 1 << 0;
    pub const WALK_LENGTH_4: u64 = 1 << 6;
    pub const WRITE_BACK: u64 = 1 << 14;
    pub const PAGES_2M: u64 = 1 << 16;
    pub const PAGES_1G: u64 = 1 << 17;
    pub const INVEPT: u64 = 1 << 20;
    pub const ACCESSED_DIRTY: u64 = 1 << 21;
    pub const INVEPT_SINGLE_CONTEXT: u64 = 1 << 25;
    pub const INVEPT_ALL_CONTEXT: u64 = 1 << 26;
    pub const INVVPID: u64 = 1 << 32;
    pub const INVVPID_SINGLE_CONTEXT: u64 = 1 << 41;
    pub const INVVPID_ALL_CONTEXT: u64 = 1 << 42;
}

/// One line of the requirements list.
struct Requirement {
    feature: &'static str,
    section: &'static str,
    met: fn(&CapabilityMsrs, &CpuidSummary) -> bool,
}

const fn pin(msrs: &CapabilityMsrs, bits: PinControls) -> bool {
    msrs.allowed_pin().offers(bits.bits())
}

const fn primary(msrs: &CapabilityMsrs, bits: PrimaryControls) -> bool {
    msrs.allowed_primary().offers(bits.bits())
}

const fn secondary(msrs: &CapabilityMsrs, bits: SecondaryControls) -> bool {
    msrs.allowed_secondary().offers(bits.bits())
}

const fn exit(msrs: &CapabilityMsrs, bits: ExitControls) -> bool {
    msrs.allowed_exit().offers(bits.bits())
}

const fn entry(msrs: &CapabilityMsrs, bits: EntryControls) -> bool {
    msrs.allowed_entry().offers(bits.bits())
}

const fn ept(msrs: &CapabilityMsrs, bits: u64) -> bool {
    msrs.ept_vpid & bits == bits
}

macro_rules! requirements {
    ($($feature:literal, $section:literal => $met:expr;)*) => {
        /// In the order in which a lack is reported: the most telling first.
        const REQUIREMENTS: &[Requirement] =
            &[$(Requirement { feature: $feature, section: $section, met: $met },)*];
    };
}

requirements! {
    "64-bit mode", "Vol. 2A, CPUID" => |_, c| c.long_mode;
    "VMX", "24.6" => |_, c| c.vmx;
    "true VMX capability registers, or a VMCS revision", "A.1" => |m, _| m.basic != 0;
    "write-back memory for VMX structures", "A.1" => |m, _| m.basic >> 50 & 0xf == 6;
    "secondary processor-based controls", "25.6.2" => |m, _| primary(m, PrimaryControls::ACTIVATE_SECONDARY_CONTROLS);
    "extended page tables (EPT)", "29.3" => |m, _| secondary(m, SecondaryControls::ENABLE_EPT);
    "EPT with a page walk of 4 levels", "A.10" => |m, _| ept(m, ept_vpid::WALK_LENGTH_4);
    "EPT structures in write-back memory", "A.10" => |m, _| ept(m, ept_vpid::WRITE_BACK);
    "INVEPT, single-context and all-context", "31.3" => |m, _| {
        ept(m, ept_vpid::INVEPT | ept_vpid::INVEPT_SINGLE_CONTEXT | ept_vpid::INVEPT_ALL_CONTEXT)
    };
    "virtual-processor identifiers (VPID)", "29.1" => |m, _| secondary(m, SecondaryControls::ENABLE_VPID);
    "INVVPID, single-context and all-context", "31.3" => |m, _| {
        ept(m, ept_vpid::INVVPID | ept_vpid::INVVPID_SINGLE_CONTEXT | ept_vpid::INVVPID_ALL_CONTEXT)
    };
    "MSR bitmaps", "25.6.9" => |m, _| primary(m, PrimaryControls::USE_MSR_BITMAPS);
    "the TPR shadow", "25.6.8" => |m, _| primary(m, PrimaryControls::USE_TPR_SHADOW);
    "HLT exiting", "25.6.2" => |m, _| primary(m, PrimaryControls::HLT_EXITING);
    "MONITOR and MWAIT exiting", "25.6.2" => |m, _| {
        primary(m, PrimaryControls::MONITOR_EXITING.union(PrimaryControls::MWAIT_EXITING))
    };
    "RDPMC exiting", "25.6.2" => |m, _| primary(m, PrimaryControls::RDPMC_EXITING);
    "MOV-DR exiting", "25.6.2" => |m, _| primary(m, PrimaryControls::MOV_DR_EXITING);
    "unconditional I/O exiting", "25.6.2" => |m, _| primary(m, PrimaryControls::UNCONDITIONAL_IO_EXITING);
    "WBINVD exiting", "25.6.2" => |m, _| secondary(m, SecondaryControls::WBINVD_EXITING);
    "external-interrupt exiting", "25.6.1" => |m, _| pin(m, PinControls::EXTERNAL_INTERRUPT_EXITING);
    "NMI exiting", "25.6.1" => |m, _| pin(m, PinControls::NMI_EXITING);
    "exits to a 64-bit host", "25.7.1" => |m, _| exit(m, ExitControls::HOST_ADDRESS_SPACE_SIZE);
    "acknowledging interrupts on exit", "25.7.1" => |m, _| exit(m, ExitControls::ACKNOWLEDGE_INTERRUPT_ON_EXIT);
    "saving and loading IA32_PAT on exit", "25.7.1" => |m, _| {
        exit(m, ExitControls::SAVE_PAT.union(ExitControls::LOAD_PAT))
    };
    "saving and loading IA32_EFER on exit", "25.7.1" => |m, _| {
        exit(m, ExitControls::SAVE_EFER.union(ExitControls::LOAD_EFER))
    };
    "saving debug controls on exit", "25.7.1" => |m, _| exit(m, ExitControls::SAVE_DEBUG_CONTROLS);
    "IA-32e mode guests", "25.8.1" => |m, _| entry(m, EntryControls::IA32E_MODE_GUEST);
    "loading IA32_PAT on entry", "25.8.1" => |m, _| entry(m, EntryControls::LOAD_PAT);
    "loading IA32_EFER on entry", "25.8.1" => |m, _| entry(m, EntryControls::LOAD_EFER);
    "loading debug controls on entry", "25.8.1" => |m, _| entry(m, EntryControls::LOAD_DEBUG_CONTROLS);
}

/// Exits that the exit budget rules out but that a CPU without the TRUE registers may force.
const UNWANTED_EXITS: PrimaryControls = PrimaryControls::INVLPG_EXITING
    .union(PrimaryControls::RDTSC_EXITING)
    .union(PrimaryControls::CR3_LOAD_EXITING)
    .union(PrimaryControls::CR3_STORE_EXITING)
    .union(PrimaryControls::CR8_LOAD_EXITING)
    .union(PrimaryControls::CR8_STORE_EXITING)
    .union(PrimaryControls::PAUSE_EXITING);

macro_rules! features {
    ($($(#[$doc:meta])* $field:ident, $name:literal => $present:expr;)*) => {
        /// The optional features of a CPU that has every required one.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct Features {
            $($(#[$doc])* pub $field: bool,)*
            /// Exits outside the exit budget that this CPU forces; empty on every CPU with TRUE capability registers.
            pub forced_exits: PrimaryControls,
        }

        impl Features {
            /// Checks every requirement and finds the optional features.
            ///
            /// # Errors
            /// The first [`Missing`] requirement.
            pub fn detect(msrs: &CapabilityMsrs, cpuid: &CpuidSummary) -> Result<Self, Missing> {
                if let Some(lacking) = REQUIREMENTS.iter().find(|requirement| !(requirement.met)(msrs, cpuid)) {
                    return Err(Missing { feature: lacking.feature, section: lacking.section });
                }
                let Allowed { must_be_one, .. } = msrs.allowed_primary();
                let forced_exits = PrimaryControls::from_bits_retain(must_be_one).intersection(UNWANTED_EXITS);
                $(
                    let present: fn(&CapabilityMsrs, &CpuidSummary) -> bool = $present;
                    let $field = present(msrs, cpuid);
                )*
                Ok(Self { $($field,)* forced_exits })
            }

            /// Each optional feature as (name, present), for the boot log.
            pub fn describe(&self) -> impl Iterator<Item = (&'static str, bool)> + use<> {
                [
                    $(($name, self.$field),)*
                    ("no exit beyond the exit budget", self.forced_exits.is_empty()),
                ]
                .into_iter()
            }
        }
    };
}

features! {
    /// EPT violations can reach the guest as #VE without an exit (SDM 26.5.7).
    virtualization_exceptions, "#VE" => |m, _| secondary(m, SecondaryControls::EPT_VIOLATION_VE);
    /// VMFUNC leaf 0 switches the EPT pointer (SDM 26.5.6.3).
    vmfunc_eptp_switching, "VMFUNC EPTP switching" => |m, _| {
        secondary(m, SecondaryControls::ENABLE_VM_FUNCTIONS) && m.vm_functions & 1 != 0
    };
    /// EPT entries have accessed and dirty bits (SDM 29.3.5).
    ept_accessed_dirty, "EPT accessed and dirty bits" => |m, _| ept(m, ept_vpid::ACCESSED_DIRTY);
    /// The CPU logs frames that become dirty (SDM 29.3.6).
    pml, "page-modification log" => |m, _| {
        secondary(m, SecondaryControls::ENABLE_PML) && ept(m, ept_vpid::ACCESSED_DIRTY)
    };
    /// EPT leaves of 2 MiB (SDM 29.3.2).
    ept_2m, "2 MiB EPT leaves" => |m, _| ept(m, ept_vpid::PAGES_2M);
    /// EPT leaves of 1 GiB (SDM 29.3.2).
    ept_1g, "1 GiB EPT leaves" => |m, _| ept(m, ept_vpid::PAGES_1G);
    /// EPT leaves that can be executed but not read (SDM 29.3.2).
    ept_execute_only, "execute-only EPT leaves" => |m, _| ept(m, ept_vpid::EXECUTE_ONLY);
    /// The local APIC is reached through MSRs (SDM 11.12).
    x2apic, "x2APIC" => |_, c| c.x2apic;
    /// The local APIC can interrupt at an absolute TSC (SDM 11.5.4.1).
    tsc_deadline, "TSC-deadline timer" => |_, c| c.tsc_deadline;
    /// The VMX-preemption timer (SDM 26.5.1).
    preemption_timer, "VMX-preemption timer" => |m, _| pin(m, PinControls::ACTIVATE_PREEMPTION_TIMER);
    /// The CPU keeps the guest's own blocking by NMI (SDM 25.6.1).
    virtual_nmis, "virtual NMIs" => |m, _| pin(m, PinControls::VIRTUAL_NMIS);
    /// RDTSCP works in the guest (SDM 25.6.2).
    rdtscp, "RDTSCP" => |m, c| c.rdtscp && secondary(m, SecondaryControls::ENABLE_RDTSCP);
    /// INVPCID works in the guest (SDM 25.6.2).
    invpcid, "INVPCID" => |m, c| c.invpcid && secondary(m, SecondaryControls::ENABLE_INVPCID);
    /// XSAVES works in the guest (SDM 25.6.2).
    xsaves, "XSAVES" => |m, c| c.xsaves && secondary(m, SecondaryControls::ENABLE_XSAVES);
    /// The guest may run without paging (SDM 25.6.2). Guests start in 64-bit mode, so nothing needs it.
    unrestricted_guest, "unrestricted guest" => |m, _| secondary(m, SecondaryControls::UNRESTRICTED_GUEST);
}
