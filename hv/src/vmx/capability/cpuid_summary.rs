//! What CPUID says about this CPU, as far as the kernel's own setup depends on it (SDM Vol. 2A, CPUID).

/// CPUID's answers that the kernel's own setup depends on. What a guest may see is `cpuid_policy`'s concern.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CpuidSummary {
    /// Vendor string, leaf 0.
    pub vendor: [u8; 12],
    /// Family, model and stepping as leaf 1 EAX has them.
    pub signature: u32,
    /// VMX, leaf 1 ECX bit 5.
    pub vmx: bool,
    /// Process-context identifiers, leaf 1 ECX bit 17.
    pub pcid: bool,
    /// x2APIC, leaf 1 ECX bit 21.
    pub x2apic: bool,
    /// The local APIC's TSC-deadline mode, leaf 1 ECX bit 24.
    pub tsc_deadline: bool,
    /// XSAVE and XCR0, leaf 1 ECX bit 26.
    pub xsave: bool,
    /// This machine is itself a guest, leaf 1 ECX bit 31.
    pub hypervisor: bool,
    /// RDFSBASE and its kin, leaf 7 EBX bit 0.
    pub fsgsbase: bool,
    /// Supervisor-mode execution prevention, leaf 7 EBX bit 7.
    pub smep: bool,
    /// INVPCID, leaf 7 EBX bit 10.
    pub invpcid: bool,
    /// Supervisor-mode access prevention, leaf 7 EBX bit 20.
    pub smap: bool,
    /// User-mode instruction prevention, leaf 7 ECX bit 2.
    pub umip: bool,
    /// IA32_ARCH_CAPABILITIES exists, leaf 7 EDX bit 29.
    pub arch_capabilities: bool,
    /// XCR0 bits that exist, leaf 0DH.
    pub xcr0: u64,
    /// Bytes of the XSAVE area (standard form) with every XCR0 bit on, leaf 0DH ECX; 0 without XSAVE.
    pub xsave_area_size: u32,
    /// XSAVEOPT, leaf 0DH subleaf 1 EAX bit 0.
    pub xsaveopt: bool,
    /// XSAVES, leaf 0DH subleaf 1 EAX bit 3.
    pub xsaves: bool,
    /// SYSCALL and SYSRET, leaf 80000001H EDX bit 11.
    pub syscall: bool,
    /// No-execute pages, leaf 80000001H EDX bit 20.
    pub nx: bool,
    /// 1 GiB pages, leaf 80000001H EDX bit 26.
    pub pages_1g: bool,
    /// RDTSCP, leaf 80000001H EDX bit 27.
    pub rdtscp: bool,
    /// 64-bit mode, leaf 80000001H EDX bit 29.
    pub long_mode: bool,
    /// The TSC ticks at one rate in every state, leaf 80000007H EDX bit 8.
    pub invariant_tsc: bool,
    /// Bits of a physical address, leaf 80000008H; 36 where the leaf does not exist (SDM Vol. 3A, 4.1.4).
    pub physical_address_bits: u8,
    /// Bits of a linear address, leaf 80000008H; 48 where the leaf does not exist.
    pub linear_address_bits: u8,
}

const fn bit(word: u32, number: u32) -> bool {
    word & (1 << number) != 0
}

impl CpuidSummary {
    /// Asks CPUID, as the closure from (leaf, subleaf) to (EAX, EBX, ECX, EDX); never a leaf beyond the highest one, as
    /// those answer with another leaf's contents.
    pub fn read(mut cpuid: impl FnMut(u32, u32) -> (u32, u32, u32, u32)) -> Self {
        const NOTHING: (u32, u32, u32, u32) = (0, 0, 0, 0);
        let (highest, name_0, name_2, name_1) = cpuid(0, 0);
        let mut vendor = [0; 12];
        for (part, word) in vendor.chunks_exact_mut(4).zip([name_0, name_1, name_2]) {
            part.copy_from_slice(&word.to_le_bytes());
        }
        let highest_extended = cpuid(0x8000_0000, 0).0;
        let mut ask = |leaf: u32, subleaf: u32| {
            let last = if leaf < 0x8000_0000 { highest } else { highest_extended };
            if leaf <= last { cpuid(leaf, subleaf) } else { NOTHING }
        };
        let (signature, _, basic_c, _) = ask(1, 0);
        let (_, seven_b, seven_c, seven_d) = ask(7, 0);
        let xsave = bit(basic_c, 26);
        let (xcr0_low, _, area, xcr0_high) = if xsave { ask(0xd, 0) } else { NOTHING };
        let xsave_extra = if xsave { ask(0xd, 1).0 } else { 0 };
        let extended_d = ask(0x8000_0001, 0).3;
        let power_d = ask(0x8000_0007, 0).3;
        let [physical, linear, ..] = ask(0x8000_0008, 0).0.to_le_bytes();
        Self {
            vendor,
            signature,
            vmx: bit(basic_c, 5),
            pcid: bit(basic_c, 17),
            x2apic: bit(basic_c, 21),
            tsc_deadline: bit(basic_c, 24),
            xsave,
            hypervisor: bit(basic_c, 31),
            fsgsbase: bit(seven_b, 0),
            smep: bit(seven_b, 7),
            invpcid: bit(seven_b, 10),
            smap: bit(seven_b, 20),
            umip: bit(seven_c, 2),
            arch_capabilities: bit(seven_d, 29),
            xcr0: u64::from(xcr0_high) << 32 | u64::from(xcr0_low),
            xsave_area_size: area,
            xsaveopt: bit(xsave_extra, 0),
            xsaves: bit(xsave_extra, 3),
            syscall: bit(extended_d, 11),
            nx: bit(extended_d, 20),
            pages_1g: bit(extended_d, 26),
            rdtscp: bit(extended_d, 27),
            long_mode: bit(extended_d, 29),
            invariant_tsc: bit(power_d, 8),
            physical_address_bits: if physical == 0 { 36 } else { physical },
            linear_address_bits: if linear == 0 { 48 } else { linear },
        }
    }
}
