//! The control words of a VMCS: one pure function from what is wanted, required and allowed (SDM A.2).

mod bits;

pub use bits::{EntryControls, ExitControls, PinControls, PrimaryControls, SecondaryControls};

use super::capability::{Allowed, CapabilityMsrs, Features, Missing};

/// What the boot command line or the kernel chooses among the features that are there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Choice {
    /// Slices end by the preemption timer, reloaded at every entry (so its value is not saved on exit).
    pub preemption_timer: bool,
}

/// The five words that say what a guest may do without an exit and what an entry and an exit switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ControlWords {
    /// Pin-based VM-execution controls (SDM 25.6.1).
    pub pin: u32,
    /// Primary processor-based VM-execution controls (SDM 25.6.2).
    pub primary: u32,
    /// Secondary processor-based VM-execution controls (SDM 25.6.2).
    pub secondary: u32,
    /// VM-exit controls (SDM 25.7.1).
    pub exit: u32,
    /// VM-entry controls (SDM 25.8.1).
    pub entry: u32,
}

const PIN: PinControls = PinControls::EXTERNAL_INTERRUPT_EXITING.union(PinControls::NMI_EXITING);

// Not RDTSC, INVLPG, CR3 and CR8 exiting: the exit budget is part of what a guest is promised.
const PRIMARY: PrimaryControls = PrimaryControls::HLT_EXITING
    .union(PrimaryControls::MWAIT_EXITING)
    .union(PrimaryControls::MONITOR_EXITING)
    .union(PrimaryControls::RDPMC_EXITING)
    .union(PrimaryControls::USE_TPR_SHADOW)
    .union(PrimaryControls::MOV_DR_EXITING)
    .union(PrimaryControls::UNCONDITIONAL_IO_EXITING)
    .union(PrimaryControls::USE_MSR_BITMAPS)
    .union(PrimaryControls::ACTIVATE_SECONDARY_CONTROLS);

// Not #VE and VM functions: an environment gets them one by one, when it has the views for them.
const SECONDARY: SecondaryControls =
    SecondaryControls::ENABLE_EPT.union(SecondaryControls::ENABLE_VPID).union(SecondaryControls::WBINVD_EXITING);

// Not IA32_PERF_GLOBAL_CTRL: one platform advertises the control without having the register.
const EXIT: ExitControls = ExitControls::SAVE_DEBUG_CONTROLS
    .union(ExitControls::HOST_ADDRESS_SPACE_SIZE)
    .union(ExitControls::ACKNOWLEDGE_INTERRUPT_ON_EXIT)
    .union(ExitControls::SAVE_PAT)
    .union(ExitControls::LOAD_PAT)
    .union(ExitControls::SAVE_EFER)
    .union(ExitControls::LOAD_EFER);

const ENTRY: EntryControls = EntryControls::LOAD_DEBUG_CONTROLS
    .union(EntryControls::IA32E_MODE_GUEST)
    .union(EntryControls::LOAD_PAT)
    .union(EntryControls::LOAD_EFER);

impl ControlWords {
    /// The words for this CPU.
    ///
    /// # Errors
    /// [`Missing`] names the first wanted control that the CPU does not let be 1.
    pub fn compute(msrs: &CapabilityMsrs, features: &Features, choice: &Choice) -> Result<Self, Missing> {
        let mut pin = PIN;
        pin.set(PinControls::VIRTUAL_NMIS, features.virtual_nmis);
        pin.set(PinControls::ACTIVATE_PREEMPTION_TIMER, choice.preemption_timer);
        let mut secondary = SECONDARY;
        secondary.set(SecondaryControls::ENABLE_RDTSCP, features.rdtscp);
        secondary.set(SecondaryControls::ENABLE_INVPCID, features.invpcid);
        // Where firmware has switched SGX on, ENCLS would run in a guest that is told of no SGX.
        let encls = SecondaryControls::ENABLE_ENCLS_EXITING;
        secondary.set(encls, msrs.allowed_secondary().offers(encls.bits()));
        Ok(Self {
            pin: word(msrs.allowed_pin(), pin, "25.6.1")?,
            primary: word(msrs.allowed_primary(), PRIMARY, "25.6.2")?,
            secondary: word(msrs.allowed_secondary(), secondary, "25.6.2")?,
            exit: word(msrs.allowed_exit(), EXIT, "25.7.1")?,
            entry: word(msrs.allowed_entry(), ENTRY, "25.8.1")?,
        })
    }
}

/// What is wanted with what the CPU demands; an error names the first control that the CPU does not let be 1.
fn word<B: bitflags::Flags<Bits = u32>>(allowed: Allowed, wanted: B, section: &'static str) -> Result<u32, Missing> {
    let word = allowed.adjust(wanted.bits());
    match wanted.iter_names().find(|(_, control)| word & control.bits() == 0) {
        Some((feature, _)) => Err(Missing { feature, section }),
        None => Ok(word),
    }
}

/// `value` with the CR0 bits that VMX operation fixes (SDM A.7).
#[must_use]
pub const fn fixed_cr0(msrs: &CapabilityMsrs, value: u64) -> u64 {
    (value | msrs.cr0_fixed0) & msrs.cr0_fixed1
}

/// `value` with the CR4 bits that VMX operation fixes (SDM A.8).
#[must_use]
pub const fn fixed_cr4(msrs: &CapabilityMsrs, value: u64) -> u64 {
    (value | msrs.cr4_fixed0) & msrs.cr4_fixed1
}
