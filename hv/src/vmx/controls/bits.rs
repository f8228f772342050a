//! The bits of the VMX control words, named (SDM 25.6 to 25.8).

use bitflags::bitflags;

bitflags! {
    /// Pin-based VM-execution controls (SDM 25.6.1, Table 25-5).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct PinControls: u32 {
        /// External interrupts exit.
        const EXTERNAL_INTERRUPT_EXITING = 1 << 0;
        /// NMIs exit.
        const NMI_EXITING = 1 << 3;
        /// The CPU keeps the guest's own blocking by NMI.
        const VIRTUAL_NMIS = 1 << 5;
        /// The preemption timer counts down in the guest.
        const ACTIVATE_PREEMPTION_TIMER = 1 << 6;
        /// Posted interrupts are processed without an exit.
        const PROCESS_POSTED_INTERRUPTS = 1 << 7;
    }
}

bitflags! {
    /// Primary processor-based VM-execution controls (SDM 25.6.2, Table 25-6).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct PrimaryControls: u32 {
        /// Exit as soon as the guest would take an interrupt.
        const INTERRUPT_WINDOW_EXITING = 1 << 2;
        /// RDTSC adds the TSC offset.
        const USE_TSC_OFFSETTING = 1 << 3;
        /// HLT exits.
        const HLT_EXITING = 1 << 7;
        /// INVLPG exits.
        const INVLPG_EXITING = 1 << 9;
        /// MWAIT exits.
        const MWAIT_EXITING = 1 << 10;
        /// RDPMC exits.
        const RDPMC_EXITING = 1 << 11;
        /// RDTSC and RDTSCP exit.
        const RDTSC_EXITING = 1 << 12;
        /// MOV to CR3 exits.
        const CR3_LOAD_EXITING = 1 << 15;
        /// MOV from CR3 exits.
        const CR3_STORE_EXITING = 1 << 16;
        /// The tertiary controls count.
        const ACTIVATE_TERTIARY_CONTROLS = 1 << 17;
        /// MOV to CR8 exits.
        const CR8_LOAD_EXITING = 1 << 19;
        /// MOV from CR8 exits.
        const CR8_STORE_EXITING = 1 << 20;
        /// CR8 is the virtual-APIC page's task priority.
        const USE_TPR_SHADOW = 1 << 21;
        /// Exit as soon as the guest would take an NMI.
        const NMI_WINDOW_EXITING = 1 << 22;
        /// Moves to and from debug registers exit.
        const MOV_DR_EXITING = 1 << 23;
        /// Every port access exits.
        const UNCONDITIONAL_IO_EXITING = 1 << 24;
        /// The I/O bitmaps say which port accesses exit.
        const USE_IO_BITMAPS = 1 << 25;
        /// Exit after every instruction.
        const MONITOR_TRAP_FLAG = 1 << 27;
        /// The MSR bitmaps say which RDMSR and WRMSR exit.
        const USE_MSR_BITMAPS = 1 << 28;
        /// MONITOR exits.
        const MONITOR_EXITING = 1 << 29;
        /// PAUSE exits.
        const PAUSE_EXITING = 1 << 30;
        /// The secondary controls count.
        const ACTIVATE_SECONDARY_CONTROLS = 1 << 31;
    }
}

bitflags! {
    /// Secondary processor-based VM-execution controls (SDM 25.6.2, Table 25-7).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct SecondaryControls: u32 {
        /// Accesses to the APIC-access page are virtualized.
        const VIRTUALIZE_APIC_ACCESSES = 1 << 0;
        /// Guest-physical addresses go through the extended page tables.
        const ENABLE_EPT = 1 << 1;
        /// Loads and stores of descriptor-table registers exit.
        const DESCRIPTOR_TABLE_EXITING = 1 << 2;
        /// RDTSCP and RDPID do not raise #UD.
        const ENABLE_RDTSCP = 1 << 3;
        /// The x2APIC's MSRs are virtualized.
        const VIRTUALIZE_X2APIC_MODE = 1 << 4;
        /// Translations are tagged with the VPID.
        const ENABLE_VPID = 1 << 5;
        /// WBINVD and WBNOINVD exit.
        const WBINVD_EXITING = 1 << 6;
        /// The guest may clear CR0.PE and CR0.PG.
        const UNRESTRICTED_GUEST = 1 << 7;
        /// APIC registers are read from the virtual-APIC page.
        const APIC_REGISTER_VIRTUALIZATION = 1 << 8;
        /// Virtual interrupts are evaluated and delivered without an exit.
        const VIRTUAL_INTERRUPT_DELIVERY = 1 << 9;
        /// Loops of PAUSE exit.
        const PAUSE_LOOP_EXITING = 1 << 10;
        /// RDRAND exits.
        const RDRAND_EXITING = 1 << 11;
        /// INVPCID does not raise #UD.
        const ENABLE_INVPCID = 1 << 12;
        /// VMFUNC does not raise #UD.
        const ENABLE_VM_FUNCTIONS = 1 << 13;
        /// VMREAD and VMWRITE in the guest may use the shadow VMCS.
        const VMCS_SHADOWING = 1 << 14;
        /// The ENCLS-exiting bitmap counts.
        const ENABLE_ENCLS_EXITING = 1 << 15;
        /// RDSEED exits.
        const RDSEED_EXITING = 1 << 16;
        /// The CPU logs frames that become dirty.
        const ENABLE_PML = 1 << 17;
        /// EPT violations can be virtualization exceptions.
        const EPT_VIOLATION_VE = 1 << 18;
        /// Processor Trace does not show VMX.
        const CONCEAL_VMX_FROM_PT = 1 << 19;
        /// XSAVES and XRSTORS do not raise #UD.
        const ENABLE_XSAVES = 1 << 20;
        /// Execute rights differ for user and supervisor addresses.
        const MODE_BASED_EXECUTE_CONTROL = 1 << 22;
        /// Write rights can be given for 128-byte parts of a page.
        const SUB_PAGE_WRITE_PERMISSIONS = 1 << 23;
        /// Processor Trace's output addresses are guest-physical.
        const PT_USES_GUEST_PHYSICAL = 1 << 24;
        /// RDTSC multiplies by the TSC multiplier.
        const USE_TSC_SCALING = 1 << 25;
        /// TPAUSE, UMONITOR and UMWAIT do not raise #UD.
        const ENABLE_USER_WAIT_AND_PAUSE = 1 << 26;
        /// PCONFIG does not raise #UD.
        const ENABLE_PCONFIG = 1 << 27;
        /// The ENCLV-exiting bitmap counts.
        const ENABLE_ENCLV_EXITING = 1 << 28;
        /// Bus locks exit.
        const BUS_LOCK_DETECTION = 1 << 30;
        /// An instruction that takes too long exits.
        const INSTRUCTION_TIMEOUT = 1 << 31;
    }
}

bitflags! {
    /// VM-exit controls (SDM 25.7.1, Table 25-13).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct ExitControls: u32 {
        /// DR7 and IA32_DEBUGCTL are saved.
        const SAVE_DEBUG_CONTROLS = 1 << 2;
        /// The host is in 64-bit mode.
        const HOST_ADDRESS_SPACE_SIZE = 1 << 9;
        /// IA32_PERF_GLOBAL_CTRL is loaded; never used here.
        const LOAD_PERF_GLOBAL_CTRL = 1 << 12;
        /// The exit acknowledges the interrupt and reports its vector.
        const ACKNOWLEDGE_INTERRUPT_ON_EXIT = 1 << 15;
        /// IA32_PAT is saved.
        const SAVE_PAT = 1 << 18;
        /// IA32_PAT is loaded.
        const LOAD_PAT = 1 << 19;
        /// IA32_EFER is saved.
        const SAVE_EFER = 1 << 20;
        /// IA32_EFER is loaded.
        const LOAD_EFER = 1 << 21;
        /// The preemption timer's value is saved.
        const SAVE_PREEMPTION_TIMER = 1 << 22;
        /// IA32_BNDCFGS is cleared.
        const CLEAR_BNDCFGS = 1 << 23;
        /// Processor Trace does not show the exit.
        const CONCEAL_VMX_FROM_PT = 1 << 24;
        /// IA32_RTIT_CTL is cleared.
        const CLEAR_RTIT_CTL = 1 << 25;
        /// CET state is loaded.
        const LOAD_CET_STATE = 1 << 28;
        /// The secondary VM-exit controls count.
        const ACTIVATE_SECONDARY_CONTROLS = 1 << 31;
    }
}

bitflags! {
    /// VM-entry controls (SDM 25.8.1, Table 25-16).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct EntryControls: u32 {
        /// DR7 and IA32_DEBUGCTL are loaded.
        const LOAD_DEBUG_CONTROLS = 1 << 2;
        /// The guest is in IA-32e mode.
        const IA32E_MODE_GUEST = 1 << 9;
        /// The entry is to system-management mode.
        const ENTRY_TO_SMM = 1 << 10;
        /// The entry ends the dual-monitor treatment.
        const DEACTIVATE_DUAL_MONITOR = 1 << 11;
        /// IA32_PERF_GLOBAL_CTRL is loaded; never used here.
        const LOAD_PERF_GLOBAL_CTRL = 1 << 13;
        /// IA32_PAT is loaded.
        const LOAD_PAT = 1 << 14;
        /// IA32_EFER is loaded.
        const LOAD_EFER = 1 << 15;
        /// IA32_BNDCFGS is loaded.
        const LOAD_BNDCFGS = 1 << 16;
        /// Processor Trace does not show the entry.
        const CONCEAL_VMX_FROM_PT = 1 << 17;
        /// IA32_RTIT_CTL is loaded.
        const LOAD_RTIT_CTL = 1 << 18;
        /// CET state is loaded.
        const LOAD_CET_STATE = 1 << 20;
    }
}
