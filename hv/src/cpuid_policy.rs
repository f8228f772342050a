//! What a guest learns from CPUID: the instructions that it may use, and nothing that it cannot have.
//!
//! Every leaf and every bit is named here or is zero, so a CPU that is newer than this file shows a guest nothing that
//! the kernel does not switch, pin or intercept.

#[cfg(test)]
mod tests;

/// EAX, EBX, ECX and EDX.
pub type Registers = [u32; 4];

/// What CPUID has to know about the guest that executes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuestCpuid {
    /// CPUs that its environment has.
    pub cpu_count: u32,
    /// Which of them this is.
    pub apic_id: u32,
    /// Index and generation of its environment.
    pub environment: (u32, u32),
    /// Version of the calls.
    pub abi_version: u32,
    /// The hypervisor's signature.
    pub signature: [u8; 12],
    /// Its XCR0.
    pub xcr0: u64,
    /// Its CR4.OSXSAVE.
    pub osxsave: bool,
}

/// A word with these bits set.
const fn bits(numbers: &[u32]) -> u32 {
    let mut word = 0;
    let mut index = 0;
    while index < numbers.len() {
        word |= 1 << numbers[index];
        index += 1;
    }
    word
}

const NOTHING: Registers = [0; 4];
/// Highest basic leaf: the one on topology, or, on older CPUs, that on extended state.
const HIGHEST: [u32; 2] = [0x1f, 0xd];
const HIGHEST_EXTENDED: u32 = 0x8000_0008;
const OSXSAVE: u32 = 1 << 27;
const HYPERVISOR: u32 = 1 << 31;
const HYPER_THREADING: u32 = 1 << 28;

/// Leaf 1 ECX: SSE3, PCLMULQDQ, SSSE3, FMA, CX16, PCID, SSE4.1, SSE4.2, MOVBE, POPCNT, AES, XSAVE, AVX, F16C, RDRAND.
/// Not MONITOR, VMX, SMX, PDCM, x2APIC and TSC-deadline.
const BASIC_C: u32 = bits(&[0, 1, 9, 12, 13, 17, 19, 20, 22, 23, 25, 26, 28, 29, 30]);
/// Leaf 1 EDX: FPU, VME, DE, PSE, TSC, MSR, PAE, CX8, SEP, PGE, CMOV, PAT, PSE36, CLFSH, MMX, FXSR, SSE, SSE2, SS.
/// Not MCE, MCA (machine checks are the kernel's), APIC, MTRR and the thermal and debug stores.
const BASIC_D: u32 = bits(&[0, 1, 2, 3, 4, 5, 6, 8, 11, 13, 15, 16, 17, 19, 23, 24, 25, 26, 27]);
/// Leaf 7 EBX: FSGSBASE, BMI1, AVX2, FDP, SMEP, BMI2, ERMS, INVPCID, FCS, AVX512F/DQ, RDSEED, ADX, SMAP, AVX512IFMA,
/// CLFLUSHOPT, CLWB, AVX512PF/ER/CD, SHA, AVX512BW/VL. Not TSC_ADJUST, SGX, HLE, RTM, MPX, PQM, PQE and PT.
const SEVEN_B: u32 = bits(&[0, 3, 5, 6, 7, 8, 9, 10, 13, 16, 17, 18, 19, 20, 21, 23, 24, 26, 27, 28, 29, 30, 31]);
/// Leaf 7 ECX: AVX512VBMI, UMIP, AVX512VBMI2, GFNI, VAES, VPCLMULQDQ, AVX512VNNI/BITALG/VPOPCNTDQ, RDPID.
/// Not PKU, OSPKE, WAITPKG, CET, TME, LA57, KL and SGX_LC.
const SEVEN_C: u32 = bits(&[1, 2, 6, 8, 9, 10, 11, 12, 14, 22]);
/// Leaf 7 EDX: AVX512 4VNNIW/4FMAPS, FSRM, AVX512VP2INTERSECT, MD_CLEAR, SERIALIZE, AVX512FP16.
/// Not CET_IBT, AMX, PCONFIG and whatever needs IA32_SPEC_CTRL and its kin.
const SEVEN_D: u32 = bits(&[2, 3, 4, 8, 10, 14, 23]);
/// Leaf 7 subleaf 1 EAX: AVX-VNNI, AVX512BF16 and the fast string instructions. Not LAM and HRESET.
const SEVEN_1_A: u32 = bits(&[4, 5, 10, 11, 12]);
/// Leaf 80000001H ECX: LAHF, LZCNT, PREFETCHW.
const EXTENDED_C: u32 = bits(&[0, 5, 8]);
/// Leaf 80000001H EDX: SYSCALL, NX, 1 GiB pages, RDTSCP, 64-bit mode.
const EXTENDED_D: u32 = bits(&[11, 20, 26, 27, 29]);
/// XCR0 bits that a guest may set: x87, SSE, AVX and the three of AVX-512. Not MPX, PKRU, AMX.
const STATE_COMPONENTS: u32 = 0b1110_0111;
/// Leaf 0DH subleaf 1 EAX: XSAVEOPT and XGETBV with ECX = 1. Not the compacted forms XSAVEC and XSAVES.
const EXTENDED_STATE_1_A: u32 = bits(&[0, 2]);
/// Leaf 80000007H EDX: invariant TSC.
const INVARIANT_TSC: u32 = 1 << 8;

/// What CPUID answers a guest, asking `host` for what this CPU says. Leaves beyond the CPU's highest are zero, whereas
/// the CPU itself would answer with another leaf's contents.
pub fn answer(leaf: u32, subleaf: u32, guest: &GuestCpuid, host: impl Fn(u32, u32) -> Registers) -> Registers {
    let highest = host(leaf & 0x8000_0000, 0)[0];
    let registers = if leaf <= highest { host(leaf, subleaf) } else { NOTHING };
    filter(leaf, subleaf, registers, guest)
}

/// What CPUID answers a guest where this CPU answers `host`, read while the guest's XCR0 was loaded (leaf 0DH counts
/// the bytes that XCR0 stands for). The CPU must have the leaf: see [`answer`].
#[must_use]
pub fn filter(leaf: u32, subleaf: u32, host: Registers, guest: &GuestCpuid) -> Registers {
    let [eax, ebx, ecx, edx] = host;
    match leaf {
        0 => {
            let highest = HIGHEST.into_iter().find(|&known| eax >= known).unwrap_or(eax);
            [highest, ebx, ecx, edx]
        }
        1 => basic(host, guest),
        // Descriptors of caches and TLBs.
        2 => host,
        4 => caches(host, guest),
        7 => match subleaf {
            0 => [eax.min(1), ebx & SEVEN_B, ecx & SEVEN_C, edx & SEVEN_D],
            1 => [eax & SEVEN_1_A, 0, 0, 0],
            _ => NOTHING,
        },
        0xb | 0x1f => topology(subleaf, guest),
        0xd => extended_state(subleaf, host, guest),
        0x4000_0000 => {
            let [ebx, ecx, edx] = words(guest.signature);
            [0x4000_0001, ebx, ecx, edx]
        }
        0x4000_0001 => [guest.abi_version, guest.environment.0, guest.environment.1, 0],
        0x8000_0000 => [eax.min(HIGHEST_EXTENDED), 0, 0, 0],
        0x8000_0001 => [0, 0, ecx & EXTENDED_C, edx & EXTENDED_D],
        // The brand string.
        0x8000_0002..=0x8000_0004 => host,
        // The second-level cache.
        0x8000_0006 => [0, 0, ecx, 0],
        0x8000_0007 => [0, 0, 0, edx & INVARIANT_TSC],
        0x8000_0008 => {
            let [physical, linear, ..] = eax.to_le_bytes();
            // Five-level paging is hidden, so its width is too.
            [u32::from_le_bytes([physical, linear.min(48), 0, 0]), 0, 0, 0]
        }
        _ => NOTHING,
    }
}

fn basic([eax, ebx, ecx, edx]: Registers, guest: &GuestCpuid) -> Registers {
    let [_, flush_size, ..] = ebx.to_le_bytes();
    let osxsave = if guest.osxsave { OSXSAVE } else { 0 };
    let threads = if guest.cpu_count > 1 { HYPER_THREADING } else { 0 };
    let ebx = u32::from_le_bytes([0, flush_size, byte(guest.cpu_count), byte(guest.apic_id)]);
    [eax, ebx, ecx & BASIC_C | osxsave | HYPERVISOR, edx & BASIC_D | threads]
}

/// A number as an 8-bit field, which stops at its largest value.
fn byte(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Leaf 4: each cache as it is, shared by the guest's own CPUs only.
fn caches([eax, ebx, ecx, edx]: Registers, guest: &GuestCpuid) -> Registers {
    const KIND: u32 = 0x1f;
    const KEPT: u32 = 0x3fff;
    if eax & KIND == 0 {
        return NOTHING;
    }
    let level = eax >> 5 & 7;
    let others = guest.cpu_count.saturating_sub(1);
    let sharing = if level >= 3 { others.min(0xfff) } else { 0 };
    [eax & KEPT | sharing << 14 | others.min(0x3f) << 26, ebx, ecx, edx]
}

/// Leaves 0BH and 1FH: one thread a core, as many cores as the environment has CPUs.
fn topology(subleaf: u32, guest: &GuestCpuid) -> Registers {
    const THREAD: u32 = 1 << 8;
    const CORE: u32 = 2 << 8;
    let [number, ..] = subleaf.to_le_bytes();
    let number = u32::from(number);
    match subleaf {
        0 => [0, 1, THREAD | number, guest.apic_id],
        1 => {
            let count = guest.cpu_count.max(1);
            [count.next_power_of_two().trailing_zeros(), count, CORE | number, guest.apic_id]
        }
        _ => [0, 0, number, guest.apic_id],
    }
}

/// Leaf 0DH, in the standard form, whose layout is the same on every CPU that has VMX (SDM Vol. 1, 13.4 and 13.5).
fn extended_state(subleaf: u32, [eax, ebx, ecx, edx]: Registers, guest: &GuestCpuid) -> Registers {
    match subleaf {
        0 => {
            let components = eax & STATE_COMPONENTS;
            let in_use = area_size(guest.xcr0 & u64::from(components));
            [components, in_use.min(ebx), area_size(components.into()).min(ecx), 0]
        }
        1 => [eax & EXTENDED_STATE_1_A, 0, 0, 0],
        2..=31 if STATE_COMPONENTS >> subleaf & 1 != 0 => [eax, ebx, ecx, edx],
        _ => NOTHING,
    }
}

/// Bytes that XSAVE writes at most for these components.
const fn area_size(components: u64) -> u32 {
    const LEGACY_AND_HEADER: u32 = 512 + 64;
    const ENDS: [(u32, u32); 4] = [(7, 1664 + 1024), (6, 1152 + 512), (5, 1088 + 64), (2, 576 + 256)];
    let mut index = 0;
    while index < ENDS.len() {
        let (component, end) = ENDS[index];
        if components >> component & 1 != 0 {
            return end;
        }
        index += 1;
    }
    LEGACY_AND_HEADER
}

fn words(signature: [u8; 12]) -> [u32; 3] {
    let mut words = [0; 3];
    for (word, bytes) in words.iter_mut().zip(signature.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}
