//! The fields of a VMCS as typed constants (SDM Appendix B, "Field Encoding in VMCS").
//!
//! A field carries the width that the manual gives it, so a 32-bit value never lands in a 64-bit field by accident.
//! This table only names fields. That a name is here does not say that this CPU has the field: the capability MSRs say.

use core::marker::PhantomData;

/// What a natural-width field holds: 64 bits on the CPUs this runs on (SDM 25.11.2).
pub type Natural = u64;

mod sealed {
    pub trait Sealed {}
    impl Sealed for u16 {}
    impl Sealed for u32 {}
    impl Sealed for u64 {}
}

/// A type that holds the value of a VMCS field of its width (SDM 25.11.2, Table 25-21).
pub trait Width: sealed::Sealed + Copy {
    /// The widths it holds, one bit for each value of bits 14:13 of an encoding.
    const CODES: u32;

    /// The part of a VMREAD result that belongs to a field of this width; the CPU clears the rest.
    #[must_use]
    fn from_raw(raw: u64) -> Self;

    /// The value as VMWRITE takes it.
    #[must_use]
    fn to_raw(self) -> u64;
}

macro_rules! width {
    ($value:ty, $codes:literal) => {
        impl Width for $value {
            const CODES: u32 = $codes;

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "the high part of a narrower field reads as 0")]
            fn from_raw(raw: u64) -> Self {
                raw as Self
            }

            #[inline(always)]
            fn to_raw(self) -> u64 {
                u64::from(self)
            }
        }
    };
}
width!(u16, 0b0001);
width!(u32, 0b0100);
width!(u64, 0b1010); // 64-bit and natural

/// One VMCS field of width `W`.
pub struct Field<W> {
    encoding: u32,
    name: &'static str,
    width: PhantomData<fn() -> W>,
}

// Written out: a derive would ask `W: Copy`, which says nothing about the field.
impl<W> Clone for Field<W> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<W> Copy for Field<W> {}

impl<W> Field<W> {
    /// The number that VMREAD and VMWRITE take (SDM Appendix B).
    #[must_use]
    pub const fn encoding(self) -> u32 {
        self.encoding
    }

    /// The name that this table gives the field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<W: Width> Field<W> {
    /// The field with this encoding; a compile-time error where the encoding's width bits say otherwise.
    const fn new(encoding: u32, name: &'static str) -> Self {
        assert!(W::CODES >> ((encoding >> 13) & 3) & 1 == 1, "width of a field and its encoding differ");
        assert!(encoding & !0x6ffe == 0, "encoding with reserved bits, or of the high half of a field");
        Self { encoding, name, width: PhantomData }
    }

    /// The field without its width, for dumps.
    #[must_use]
    pub const fn info(self) -> FieldInfo {
        FieldInfo { encoding: self.encoding, name: self.name }
    }
}

/// A field without its width, as a dump lists it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldInfo {
    /// The number that VMREAD takes.
    pub encoding: u32,
    /// The name that this table gives the field.
    pub name: &'static str,
}

impl FieldInfo {
    /// Bits that the field holds.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match (self.encoding >> 13) & 3 {
            0 => 16,
            2 => 32,
            _ => 64,
        }
    }

    /// Which of the four areas the field belongs to (SDM Table 25-21, bits 11:10).
    #[must_use]
    pub const fn area(self) -> &'static str {
        match (self.encoding >> 10) & 3 {
            0 => "control",
            1 => "exit information",
            2 => "guest state",
            _ => "host state",
        }
    }
}

macro_rules! fields {
    ($($section:literal: $width:ty { $($(#[$doc:meta])* $name:ident = $encoding:literal;)* })*) => {
        $($(
            $(#[$doc])*
            ///
            #[doc = concat!("SDM ", $section, ".")]
            pub const $name: Field<$width> = Field::<$width>::new($encoding, stringify!($name));
        )*)*

        /// Every field of this table, in the manual's order, for dumps. A dump skips what VMREAD refuses (error 12).
        pub const ALL: &[FieldInfo] = &[$($($name.info(),)*)*];
    };
}

fields! {
    "B.1.1, 16-bit control fields": u16 {
        /// Tag of this guest's linear and combined translations; never 0 with "enable VPID".
        VIRTUAL_PROCESSOR_IDENTIFIER = 0x0000;
        /// Vector by which another CPU announces a posted interrupt.
        POSTED_INTERRUPT_NOTIFICATION_VECTOR = 0x0002;
        /// Index into the EPTP list of the pointer in use, kept with "EPT-violation #VE".
        EPTP_INDEX = 0x0004;
        /// Linear-address bits that HLAT paging covers.
        HLAT_PREFIX_SIZE = 0x0006;
        /// Last valid index of the PID-pointer table.
        LAST_PID_POINTER_INDEX = 0x0008;
    }
    "B.1.2, 16-bit guest-state fields": u16 {
        /// Guest ES selector.
        GUEST_ES_SELECTOR = 0x0800;
        /// Guest CS selector.
        GUEST_CS_SELECTOR = 0x0802;
        /// Guest SS selector.
        GUEST_SS_SELECTOR = 0x0804;
        /// Guest DS selector.
        GUEST_DS_SELECTOR = 0x0806;
        /// Guest FS selector.
        GUEST_FS_SELECTOR = 0x0808;
        /// Guest GS selector.
        GUEST_GS_SELECTOR = 0x080a;
        /// Guest LDTR selector.
        GUEST_LDTR_SELECTOR = 0x080c;
        /// Guest TR selector.
        GUEST_TR_SELECTOR = 0x080e;
        /// Requesting and servicing virtual interrupt, with "virtual-interrupt delivery".
        GUEST_INTERRUPT_STATUS = 0x0810;
        /// Next entry of the page-modification log to write.
        PML_INDEX = 0x0812;
        /// Guest user-interrupt notification vector.
        GUEST_UINV = 0x0814;
    }
    "B.1.3, 16-bit host-state fields": u16 {
        /// Host ES selector.
        HOST_ES_SELECTOR = 0x0c00;
        /// Host CS selector.
        HOST_CS_SELECTOR = 0x0c02;
        /// Host SS selector.
        HOST_SS_SELECTOR = 0x0c04;
        /// Host DS selector.
        HOST_DS_SELECTOR = 0x0c06;
        /// Host FS selector.
        HOST_FS_SELECTOR = 0x0c08;
        /// Host GS selector.
        HOST_GS_SELECTOR = 0x0c0a;
        /// Host TR selector.
        HOST_TR_SELECTOR = 0x0c0c;
    }
    "B.2.1, 64-bit control fields": u64 {
        /// Physical address of the bitmap for ports 0 to 7FFFH.
        IO_BITMAP_A_ADDRESS = 0x2000;
        /// Physical address of the bitmap for ports 8000H to FFFFH.
        IO_BITMAP_B_ADDRESS = 0x2002;
        /// Physical address of the four 1 KiB MSR bitmaps.
        MSR_BITMAP_ADDRESS = 0x2004;
        /// Physical address of the list of MSRs stored at an exit.
        VM_EXIT_MSR_STORE_ADDRESS = 0x2006;
        /// Physical address of the list of MSRs loaded at an exit.
        VM_EXIT_MSR_LOAD_ADDRESS = 0x2008;
        /// Physical address of the list of MSRs loaded at an entry.
        VM_ENTRY_MSR_LOAD_ADDRESS = 0x200a;
        /// Executive-VMCS pointer, used with system-management mode only.
        EXECUTIVE_VMCS_POINTER = 0x200c;
        /// Physical address of the page-modification log.
        PML_ADDRESS = 0x200e;
        /// What RDTSC adds in the guest.
        TSC_OFFSET = 0x2010;
        /// Physical address of the virtual-APIC page.
        VIRTUAL_APIC_ADDRESS = 0x2012;
        /// Physical address of the page whose accesses are APIC accesses.
        APIC_ACCESS_ADDRESS = 0x2014;
        /// Physical address of the posted-interrupt descriptor.
        POSTED_INTERRUPT_DESCRIPTOR_ADDRESS = 0x2016;
        /// Which leaves VMFUNC offers.
        VM_FUNCTION_CONTROLS = 0x2018;
        /// Root, memory type and walk length of the extended page tables.
        EPT_POINTER = 0x201a;
        /// End-of-interrupt exits for vectors 0 to 63.
        EOI_EXIT_BITMAP_0 = 0x201c;
        /// End-of-interrupt exits for vectors 64 to 127.
        EOI_EXIT_BITMAP_1 = 0x201e;
        /// End-of-interrupt exits for vectors 128 to 191.
        EOI_EXIT_BITMAP_2 = 0x2020;
        /// End-of-interrupt exits for vectors 192 to 255.
        EOI_EXIT_BITMAP_3 = 0x2022;
        /// Physical address of the 512 EPT pointers that VMFUNC leaf 0 chooses from.
        EPTP_LIST_ADDRESS = 0x2024;
        /// Physical address of the bitmap of VMREADs that exit.
        VMREAD_BITMAP_ADDRESS = 0x2026;
        /// Physical address of the bitmap of VMWRITEs that exit.
        VMWRITE_BITMAP_ADDRESS = 0x2028;
        /// Physical address of the virtualization-exception information area.
        VIRTUALIZATION_EXCEPTION_INFORMATION_ADDRESS = 0x202a;
        /// Bits of IA32_XSS whose use by XSAVES and XRSTORS exits.
        XSS_EXITING_BITMAP = 0x202c;
        /// ENCLS leaves that exit.
        ENCLS_EXITING_BITMAP = 0x202e;
        /// Sub-page-permission-table pointer.
        SUB_PAGE_PERMISSION_TABLE_POINTER = 0x2030;
        /// What RDTSC multiplies by in the guest, with 48 fraction bits.
        TSC_MULTIPLIER = 0x2032;
        /// Tertiary processor-based VM-execution controls.
        TERTIARY_PROCESSOR_BASED_CONTROLS = 0x2034;
        /// ENCLV leaves that exit.
        ENCLV_EXITING_BITMAP = 0x2036;
        /// PCONFIG leaves that exit.
        PCONFIG_EXITING_BITMAP = 0x203e;
        /// Hypervisor-managed linear-address translation pointer.
        HLAT_POINTER = 0x2040;
        /// Physical address of the PID-pointer table.
        PID_POINTER_TABLE_ADDRESS = 0x2042;
        /// Secondary VM-exit controls.
        SECONDARY_VM_EXIT_CONTROLS = 0x2044;
        /// Bits of IA32_SPEC_CTRL that the guest cannot change.
        SPEC_CTRL_MASK = 0x204a;
        /// What the guest reads from IA32_SPEC_CTRL.
        SPEC_CTRL_SHADOW = 0x204c;
    }
    "B.2.2, 64-bit read-only data field": u64 {
        /// Guest-physical address of an EPT violation or misconfiguration.
        GUEST_PHYSICAL_ADDRESS = 0x2400;
    }
    "B.2.3, 64-bit guest-state fields": u64 {
        /// All ones unless VMCS shadowing is in use.
        VMCS_LINK_POINTER = 0x2800;
        /// Guest IA32_DEBUGCTL.
        GUEST_IA32_DEBUGCTL = 0x2802;
        /// Guest IA32_PAT.
        GUEST_IA32_PAT = 0x2804;
        /// Guest IA32_EFER.
        GUEST_IA32_EFER = 0x2806;
        /// Guest IA32_PERF_GLOBAL_CTRL.
        GUEST_IA32_PERF_GLOBAL_CTRL = 0x2808;
        /// First page-directory-pointer entry of a PAE guest.
        GUEST_PDPTE_0 = 0x280a;
        /// Second page-directory-pointer entry of a PAE guest.
        GUEST_PDPTE_1 = 0x280c;
        /// Third page-directory-pointer entry of a PAE guest.
        GUEST_PDPTE_2 = 0x280e;
        /// Fourth page-directory-pointer entry of a PAE guest.
        GUEST_PDPTE_3 = 0x2810;
        /// Guest IA32_BNDCFGS.
        GUEST_IA32_BNDCFGS = 0x2812;
        /// Guest IA32_RTIT_CTL.
        GUEST_IA32_RTIT_CTL = 0x2814;
        /// Guest IA32_LBR_CTL.
        GUEST_IA32_LBR_CTL = 0x2816;
        /// Guest IA32_PKRS.
        GUEST_IA32_PKRS = 0x2818;
    }
    "B.2.4, 64-bit host-state fields": u64 {
        /// Host IA32_PAT.
        HOST_IA32_PAT = 0x2c00;
        /// Host IA32_EFER.
        HOST_IA32_EFER = 0x2c02;
        /// Host IA32_PERF_GLOBAL_CTRL; never used here (Bochs 2.7 advertises it and lacks the MSR).
        HOST_IA32_PERF_GLOBAL_CTRL = 0x2c04;
        /// Host IA32_PKRS.
        HOST_IA32_PKRS = 0x2c06;
    }
    "B.3.1, 32-bit control fields": u32 {
        /// Pin-based VM-execution controls.
        PIN_BASED_CONTROLS = 0x4000;
        /// Primary processor-based VM-execution controls.
        PRIMARY_PROCESSOR_BASED_CONTROLS = 0x4002;
        /// Exception vectors that exit.
        EXCEPTION_BITMAP = 0x4004;
        /// Which page-fault error-code bits decide whether bit 14 of the exception bitmap counts.
        PAGE_FAULT_ERROR_CODE_MASK = 0x4006;
        /// What those bits are compared with.
        PAGE_FAULT_ERROR_CODE_MATCH = 0x4008;
        /// CR3-target values in use.
        CR3_TARGET_COUNT = 0x400a;
        /// Primary VM-exit controls.
        VM_EXIT_CONTROLS = 0x400c;
        /// Entries of the list of MSRs stored at an exit.
        VM_EXIT_MSR_STORE_COUNT = 0x400e;
        /// Entries of the list of MSRs loaded at an exit.
        VM_EXIT_MSR_LOAD_COUNT = 0x4010;
        /// VM-entry controls.
        VM_ENTRY_CONTROLS = 0x4012;
        /// Entries of the list of MSRs loaded at an entry.
        VM_ENTRY_MSR_LOAD_COUNT = 0x4014;
        /// Event to inject at the next entry; the CPU clears its valid bit at every exit.
        VM_ENTRY_INTERRUPTION_INFORMATION = 0x4016;
        /// Error code of the event to inject.
        VM_ENTRY_EXCEPTION_ERROR_CODE = 0x4018;
        /// Instruction length of a software event to inject.
        VM_ENTRY_INSTRUCTION_LENGTH = 0x401a;
        /// Virtual task priority below which a guest's write to it exits.
        TPR_THRESHOLD = 0x401c;
        /// Secondary processor-based VM-execution controls.
        SECONDARY_PROCESSOR_BASED_CONTROLS = 0x401e;
        /// Longest gap between two PAUSEs of one loop.
        PLE_GAP = 0x4020;
        /// Longest loop of PAUSEs without an exit.
        PLE_WINDOW = 0x4022;
    }
    "B.3.2, 32-bit read-only data fields": u32 {
        /// Why the last VMX instruction failed (SDM 31.4).
        VM_INSTRUCTION_ERROR = 0x4400;
        /// Basic exit reason and flags (SDM 25.9.1).
        VM_EXIT_REASON = 0x4402;
        /// The exception, NMI or interrupt that exited.
        VM_EXIT_INTERRUPTION_INFORMATION = 0x4404;
        /// Its error code.
        VM_EXIT_INTERRUPTION_ERROR_CODE = 0x4406;
        /// The event whose delivery the exit cut short.
        IDT_VECTORING_INFORMATION = 0x4408;
        /// Its error code.
        IDT_VECTORING_ERROR_CODE = 0x440a;
        /// Bytes of the instruction that exited.
        VM_EXIT_INSTRUCTION_LENGTH = 0x440c;
        /// Operands of the instruction that exited.
        VM_EXIT_INSTRUCTION_INFORMATION = 0x440e;
    }
    "B.3.3, 32-bit guest-state fields": u32 {
        /// Guest ES limit.
        GUEST_ES_LIMIT = 0x4800;
        /// Guest CS limit.
        GUEST_CS_LIMIT = 0x4802;
        /// Guest SS limit.
        GUEST_SS_LIMIT = 0x4804;
        /// Guest DS limit.
        GUEST_DS_LIMIT = 0x4806;
        /// Guest FS limit.
        GUEST_FS_LIMIT = 0x4808;
        /// Guest GS limit.
        GUEST_GS_LIMIT = 0x480a;
        /// Guest LDTR limit.
        GUEST_LDTR_LIMIT = 0x480c;
        /// Guest TR limit.
        GUEST_TR_LIMIT = 0x480e;
        /// Guest GDTR limit.
        GUEST_GDTR_LIMIT = 0x4810;
        /// Guest IDTR limit.
        GUEST_IDTR_LIMIT = 0x4812;
        /// Guest ES access rights.
        GUEST_ES_ACCESS_RIGHTS = 0x4814;
        /// Guest CS access rights.
        GUEST_CS_ACCESS_RIGHTS = 0x4816;
        /// Guest SS access rights.
        GUEST_SS_ACCESS_RIGHTS = 0x4818;
        /// Guest DS access rights.
        GUEST_DS_ACCESS_RIGHTS = 0x481a;
        /// Guest FS access rights.
        GUEST_FS_ACCESS_RIGHTS = 0x481c;
        /// Guest GS access rights.
        GUEST_GS_ACCESS_RIGHTS = 0x481e;
        /// Guest LDTR access rights.
        GUEST_LDTR_ACCESS_RIGHTS = 0x4820;
        /// Guest TR access rights.
        GUEST_TR_ACCESS_RIGHTS = 0x4822;
        /// Blocking by STI, MOV SS, SMI and NMI (SDM 25.4.2).
        GUEST_INTERRUPTIBILITY_STATE = 0x4824;
        /// Active, HLT, shutdown or wait-for-SIPI (SDM 25.4.2).
        GUEST_ACTIVITY_STATE = 0x4826;
        /// Guest SMBASE.
        GUEST_SMBASE = 0x4828;
        /// Guest IA32_SYSENTER_CS.
        GUEST_IA32_SYSENTER_CS = 0x482a;
        /// What the preemption timer counts down from at the next entry.
        GUEST_VMX_PREEMPTION_TIMER_VALUE = 0x482e;
    }
    "B.3.4, 32-bit host-state field": u32 {
        /// Host IA32_SYSENTER_CS.
        HOST_IA32_SYSENTER_CS = 0x4c00;
    }
    "B.4.1, natural-width control fields": Natural {
        /// CR0 bits that the kernel owns: the guest reads them from the shadow, changing them exits.
        CR0_GUEST_HOST_MASK = 0x6000;
        /// CR4 bits that the kernel owns: the guest reads them from the shadow, changing them exits.
        CR4_GUEST_HOST_MASK = 0x6002;
        /// What the guest reads in the owned bits of CR0.
        CR0_READ_SHADOW = 0x6004;
        /// What the guest reads in the owned bits of CR4.
        CR4_READ_SHADOW = 0x6006;
        /// First CR3 value that loads without an exit.
        CR3_TARGET_VALUE_0 = 0x6008;
        /// Second CR3 value that loads without an exit.
        CR3_TARGET_VALUE_1 = 0x600a;
        /// Third CR3 value that loads without an exit.
        CR3_TARGET_VALUE_2 = 0x600c;
        /// Fourth CR3 value that loads without an exit.
        CR3_TARGET_VALUE_3 = 0x600e;
    }
    "B.4.2, natural-width read-only data fields": Natural {
        /// What the exit reason leaves open (SDM 28.2.1).
        EXIT_QUALIFICATION = 0x6400;
        /// RCX of a string port access that system-management mode cut short.
        IO_RCX = 0x6402;
        /// RSI of a string port access that system-management mode cut short.
        IO_RSI = 0x6404;
        /// RDI of a string port access that system-management mode cut short.
        IO_RDI = 0x6406;
        /// RIP of a string port access that system-management mode cut short.
        IO_RIP = 0x6408;
        /// Linear address of the access that exited, where the reason gives one.
        GUEST_LINEAR_ADDRESS = 0x640a;
    }
    "B.4.3, natural-width guest-state fields": Natural {
        /// Guest CR0.
        GUEST_CR0 = 0x6800;
        /// Guest CR3.
        GUEST_CR3 = 0x6802;
        /// Guest CR4.
        GUEST_CR4 = 0x6804;
        /// Guest ES base.
        GUEST_ES_BASE = 0x6806;
        /// Guest CS base.
        GUEST_CS_BASE = 0x6808;
        /// Guest SS base.
        GUEST_SS_BASE = 0x680a;
        /// Guest DS base.
        GUEST_DS_BASE = 0x680c;
        /// Guest FS base.
        GUEST_FS_BASE = 0x680e;
        /// Guest GS base.
        GUEST_GS_BASE = 0x6810;
        /// Guest LDTR base.
        GUEST_LDTR_BASE = 0x6812;
        /// Guest TR base.
        GUEST_TR_BASE = 0x6814;
        /// Guest GDTR base.
        GUEST_GDTR_BASE = 0x6816;
        /// Guest IDTR base.
        GUEST_IDTR_BASE = 0x6818;
        /// Guest DR7.
        GUEST_DR7 = 0x681a;
        /// Guest RSP.
        GUEST_RSP = 0x681c;
        /// Guest RIP.
        GUEST_RIP = 0x681e;
        /// Guest RFLAGS.
        GUEST_RFLAGS = 0x6820;
        /// Debug exceptions that are due but not delivered (SDM 25.4.2).
        GUEST_PENDING_DEBUG_EXCEPTIONS = 0x6822;
        /// Guest IA32_SYSENTER_ESP.
        GUEST_IA32_SYSENTER_ESP = 0x6824;
        /// Guest IA32_SYSENTER_EIP.
        GUEST_IA32_SYSENTER_EIP = 0x6826;
        /// Guest IA32_S_CET.
        GUEST_IA32_S_CET = 0x6828;
        /// Guest shadow-stack pointer.
        GUEST_SSP = 0x682a;
        /// Guest IA32_INTERRUPT_SSP_TABLE_ADDR.
        GUEST_INTERRUPT_SSP_TABLE_ADDRESS = 0x682c;
    }
    "B.4.4, natural-width host-state fields": Natural {
        /// Host CR0.
        HOST_CR0 = 0x6c00;
        /// Host CR3.
        HOST_CR3 = 0x6c02;
        /// Host CR4.
        HOST_CR4 = 0x6c04;
        /// Host FS base.
        HOST_FS_BASE = 0x6c06;
        /// Host GS base.
        HOST_GS_BASE = 0x6c08;
        /// Host TR base.
        HOST_TR_BASE = 0x6c0a;
        /// Host GDTR base.
        HOST_GDTR_BASE = 0x6c0c;
        /// Host IDTR base.
        HOST_IDTR_BASE = 0x6c0e;
        /// Host IA32_SYSENTER_ESP.
        HOST_IA32_SYSENTER_ESP = 0x6c10;
        /// Host IA32_SYSENTER_EIP.
        HOST_IA32_SYSENTER_EIP = 0x6c12;
        /// Host RSP.
        HOST_RSP = 0x6c14;
        /// Host RIP.
        HOST_RIP = 0x6c16;
        /// Host IA32_S_CET.
        HOST_IA32_S_CET = 0x6c18;
        /// Host shadow-stack pointer.
        HOST_SSP = 0x6c1a;
        /// Host IA32_INTERRUPT_SSP_TABLE_ADDR.
        HOST_INTERRUPT_SSP_TABLE_ADDRESS = 0x6c1c;
    }
}
