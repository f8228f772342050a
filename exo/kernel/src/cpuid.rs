//! What a guest sees of the CPU.

use exo_abi::ABI_VERSION;
use exo_abi::cpuid::SIGNATURE;
use exo_core::EnvironmentId;
use hv::cpu;
use hv::cpuid_policy::{GuestCpuid, answer};
use hv::vmx::active::ActiveVcpu;
use hv::vmx::capability::Features;

/// Does the guest's CPUID.
pub(crate) fn emulate(features: &Features, active: &mut ActiveVcpu<'_>, id: EnvironmentId) {
    let leaf = u32::try_from(active.registers.rax & 0xffff_ffff).unwrap_or(0);
    let subleaf = u32::try_from(active.registers.rcx & 0xffff_ffff).unwrap_or(0);
    let guest = GuestCpuid {
        cpu_count: 1,
        apic_id: 0,
        environment: (id.index, id.generation),
        abi_version: ABI_VERSION,
        signature: SIGNATURE,
        xcr0: active.xcr0(),
        osxsave: active.uses_xsave(),
    };
    let [eax, ebx, ecx, edx] = answer(leaf, subleaf, &guest, |leaf, subleaf| offered(features, leaf, subleaf));
    active.registers.rax = eax.into();
    active.registers.rbx = ebx.into();
    active.registers.rcx = ecx.into();
    active.registers.rdx = edx.into();
}

/// What this CPU has, without instructions that its VMX controls keep from guests.
fn offered(features: &Features, leaf: u32, subleaf: u32) -> [u32; 4] {
    const INVPCID: u32 = 1 << 10;
    const RDPID: u32 = 1 << 22;
    const RDTSCP: u32 = 1 << 27;
    let [eax, mut ebx, mut ecx, mut edx] = cpu::cpuid(leaf, subleaf);
    match leaf {
        7 if subleaf == 0 && !features.invpcid => ebx &= !INVPCID,
        0x8000_0001 if !features.rdtscp => edx &= !RDTSCP,
        _ => {}
    }
    if leaf == 7 && subleaf == 0 && !features.rdtscp {
        ecx &= !RDPID;
    }
    [eax, ebx, ecx, edx]
}
