//! What this CPU's VMX offers: the capability MSRs as plain numbers (SDM Appendix A) and what the firmware allows.
//!
//! Nothing here touches hardware: values come in through closures, so every decision is tested on the host against the
//! registers of real CPUs. Feature checks ask these registers only; that a VMCS field can be written proves nothing.

mod cpuid_summary;
mod features;
#[cfg(test)]
mod tests;

pub use cpuid_summary::CpuidSummary;
pub use features::{Features, Missing};

use super::controls::{PrimaryControls, SecondaryControls};

/// IA32_FEATURE_CONTROL (SDM Vol. 4, Table 2-2).
pub const IA32_FEATURE_CONTROL: u32 = 0x3a;
/// IA32_ARCH_CAPABILITIES (SDM Vol. 4, Table 2-2).
pub const IA32_ARCH_CAPABILITIES: u32 = 0x10a;
/// First of the VMX capability MSRs, which follow one another up to [`IA32_VMX_VMFUNC`] (SDM Appendix A).
pub const IA32_VMX_BASIC: u32 = 0x480;
/// Last of the VMX capability MSRs that this kernel reads.
pub const IA32_VMX_VMFUNC: u32 = 0x491;

/// Bit 55 of IA32_VMX_BASIC: the TRUE capability MSRs exist (SDM A.1).
const TRUE_CONTROLS: u64 = 1 << 55;

/// What a capability MSR for controls allows: bit by bit, "must be 1" and "may be 1" (SDM A.2 to A.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowed {
    /// Controls that the CPU does not let be 0.
    pub must_be_one: u32,
    /// Controls that the CPU lets be 1.
    pub may_be_one: u32,
}

impl Allowed {
    /// The two halves of the MSR.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the two halves of the register are wanted")]
    pub const fn new(register: u64) -> Self {
        Self { must_be_one: register as u32, may_be_one: (register >> 32) as u32 }
    }

    /// Whether every control of `bits` may be 1.
    #[must_use]
    pub const fn offers(self, bits: u32) -> bool {
        self.may_be_one & bits == bits
    }

    /// `wanted` with what must be 1 added and what must be 0 removed (SDM A.2).
    #[must_use]
    pub const fn adjust(self, wanted: u32) -> u32 {
        (wanted | self.must_be_one) & self.may_be_one
    }

    /// Whether the CPU accepts this word.
    #[must_use]
    pub const fn accepts(self, word: u32) -> bool {
        word & self.must_be_one == self.must_be_one && word & !self.may_be_one == 0
    }
}

macro_rules! registers {
    ($($(#[$doc:meta])* $field:ident = $number:literal, $name:literal;)*) => {
        /// The VMX capability MSRs (SDM Appendix A) and two registers that decide with them; 0 where one does not exist.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct CapabilityMsrs {
            $($(#[$doc])* pub $field: u64,)*
            /// IA32_FEATURE_CONTROL: whether the firmware lets VMX be used; `None` where it does not exist.
            pub feature_control: Option<u64>,
            /// IA32_ARCH_CAPABILITIES: which CPU errata need care; `None` where it does not exist.
            pub arch_capabilities: Option<u64>,
        }

        impl CapabilityMsrs {
            /// Every VMX capability MSR as (name, number, value), for the boot log and for capturing a set for the tests.
            pub fn list(&self) -> impl Iterator<Item = (&'static str, u32, u64)> + use<> {
                [$(($name, $number, self.$field),)*].into_iter()
            }
        }
    };
}

registers! {
    /// Revision, region size and memory type (SDM A.1).
    basic = 0x480, "IA32_VMX_BASIC";
    /// Pin-based controls (SDM A.3.1).
    pin = 0x481, "IA32_VMX_PINBASED_CTLS";
    /// Primary processor-based controls (SDM A.3.2).
    primary = 0x482, "IA32_VMX_PROCBASED_CTLS";
    /// VM-exit controls (SDM A.4.1).
    exit = 0x483, "IA32_VMX_EXIT_CTLS";
    /// VM-entry controls (SDM A.5).
    entry = 0x484, "IA32_VMX_ENTRY_CTLS";
    /// Preemption-timer rate, activity states and more (SDM A.6).
    misc = 0x485, "IA32_VMX_MISC";
    /// CR0 bits that must be 1 (SDM A.7).
    cr0_fixed0 = 0x486, "IA32_VMX_CR0_FIXED0";
    /// CR0 bits that may be 1 (SDM A.7).
    cr0_fixed1 = 0x487, "IA32_VMX_CR0_FIXED1";
    /// CR4 bits that must be 1 (SDM A.8).
    cr4_fixed0 = 0x488, "IA32_VMX_CR4_FIXED0";
    /// CR4 bits that may be 1 (SDM A.8).
    cr4_fixed1 = 0x489, "IA32_VMX_CR4_FIXED1";
    /// Highest index of any VMCS field (SDM A.9).
    vmcs_enumeration = 0x48a, "IA32_VMX_VMCS_ENUM";
    /// Secondary processor-based controls (SDM A.3.3).
    secondary = 0x48b, "IA32_VMX_PROCBASED_CTLS2";
    /// EPT and VPID (SDM A.10).
    ept_vpid = 0x48c, "IA32_VMX_EPT_VPID_CAP";
    /// Pin-based controls without the historical default-1 class (SDM A.2).
    true_pin = 0x48d, "IA32_VMX_TRUE_PINBASED_CTLS";
    /// Primary controls without the historical default-1 class (SDM A.2).
    true_primary = 0x48e, "IA32_VMX_TRUE_PROCBASED_CTLS";
    /// VM-exit controls without the historical default-1 class (SDM A.2).
    true_exit = 0x48f, "IA32_VMX_TRUE_EXIT_CTLS";
    /// VM-entry controls without the historical default-1 class (SDM A.2).
    true_entry = 0x490, "IA32_VMX_TRUE_ENTRY_CTLS";
    /// VM-function controls (SDM A.11).
    vm_functions = 0x491, "IA32_VMX_VMFUNC";
}

/// Whether the firmware lets VMX be used (SDM 24.7, "Enabling and Entering VMX Operation").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FeatureControl {
    /// Locked with VMX on outside SMX.
    Usable,
    /// Not locked: this value has to be written first, else VMXON raises #GP.
    MustEnable(u64),
    /// Locked with VMX on inside SMX only, which this kernel does not enter.
    LockedOutsideSmx,
    /// Locked with VMX off.
    LockedOff,
    /// The register does not exist, so nothing can be said.
    Unreadable,
}

impl CapabilityMsrs {
    /// Reads the registers; `rdmsr` gives `None` where the read faults. Registers that exist only with a feature are not
    /// read without it (SDM Appendix A says of each when it exists).
    pub fn read(mut rdmsr: impl FnMut(u32) -> Option<u64>) -> Self {
        let mut read = |number: u32, exists: bool| if exists { rdmsr(number).unwrap_or(0) } else { 0 };
        let basic = read(IA32_VMX_BASIC, true);
        let has_true = basic & TRUE_CONTROLS != 0;
        let primary = read(0x482, true);
        let has_secondary = Allowed::new(primary).offers(PrimaryControls::ACTIVATE_SECONDARY_CONTROLS.bits());
        let secondary = read(0x48b, has_secondary);
        let offered = SecondaryControls::from_bits_retain(Allowed::new(secondary).may_be_one);
        Self {
            basic,
            pin: read(0x481, true),
            primary,
            exit: read(0x483, true),
            entry: read(0x484, true),
            misc: read(0x485, true),
            cr0_fixed0: read(0x486, true),
            cr0_fixed1: read(0x487, true),
            cr4_fixed0: read(0x488, true),
            cr4_fixed1: read(0x489, true),
            vmcs_enumeration: read(0x48a, true),
            secondary,
            ept_vpid: read(0x48c, offered.intersects(SecondaryControls::ENABLE_EPT | SecondaryControls::ENABLE_VPID)),
            true_pin: read(0x48d, has_true),
            true_primary: read(0x48e, has_true),
            true_exit: read(0x48f, has_true),
            true_entry: read(0x490, has_true),
            vm_functions: read(IA32_VMX_VMFUNC, offered.contains(SecondaryControls::ENABLE_VM_FUNCTIONS)),
            feature_control: rdmsr(IA32_FEATURE_CONTROL),
            arch_capabilities: rdmsr(IA32_ARCH_CAPABILITIES),
        }
    }

    const fn choose(&self, with_true: u64, without: u64) -> Allowed {
        Allowed::new(if self.basic & TRUE_CONTROLS == 0 { without } else { with_true })
    }

    /// What the pin-based controls can be, by the TRUE register where there is one.
    #[must_use]
    pub const fn allowed_pin(&self) -> Allowed {
        self.choose(self.true_pin, self.pin)
    }

    /// What the primary controls can be, by the TRUE register where there is one.
    #[must_use]
    pub const fn allowed_primary(&self) -> Allowed {
        self.choose(self.true_primary, self.primary)
    }

    /// What the secondary controls can be: nothing where there are none.
    #[must_use]
    pub const fn allowed_secondary(&self) -> Allowed {
        Allowed::new(self.secondary)
    }

    /// What the VM-exit controls can be, by the TRUE register where there is one.
    #[must_use]
    pub const fn allowed_exit(&self) -> Allowed {
        self.choose(self.true_exit, self.exit)
    }

    /// What the VM-entry controls can be, by the TRUE register where there is one.
    #[must_use]
    pub const fn allowed_entry(&self) -> Allowed {
        self.choose(self.true_entry, self.entry)
    }

    /// The revision identifier that every VMXON region and VMCS begins with (SDM A.1).
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "masked to 31 bits")]
    pub const fn vmcs_revision(&self) -> u32 {
        (self.basic & 0x7fff_ffff) as u32
    }

    /// The preemption timer counts once in 2 to this power TSC ticks (SDM A.6).
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "masked to 5 bits")]
    pub const fn preemption_timer_shift(&self) -> u32 {
        (self.misc & 0x1f) as u32
    }

    /// What has to be done before VMXON (SDM 24.7).
    #[must_use]
    pub const fn feature_control_decision(&self) -> FeatureControl {
        const LOCK: u64 = 1 << 0;
        const INSIDE_SMX: u64 = 1 << 1;
        const OUTSIDE_SMX: u64 = 1 << 2;
        match self.feature_control {
            None => FeatureControl::Unreadable,
            Some(value) if value & LOCK == 0 => FeatureControl::MustEnable(value | LOCK | OUTSIDE_SMX),
            Some(value) if value & OUTSIDE_SMX != 0 => FeatureControl::Usable,
            Some(value) if value & INSIDE_SMX != 0 => FeatureControl::LockedOutsideSmx,
            Some(_) => FeatureControl::LockedOff,
        }
    }
}
