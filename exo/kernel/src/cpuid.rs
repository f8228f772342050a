//! What a guest sees of the CPU.

use exo_abi::ABI_VERSION;
use exo_abi::cpuid::SIGNATURE;
use exo_core::EnvironmentId;
use hv::cpu;
use hv::cpuid_policy::{GuestCpuid, answer};
use hv::vmx::vcpu::ActiveVcpu;

/// Does the guest's CPUID.
pub(crate) fn emulate(active: &mut ActiveVcpu<'_>, id: EnvironmentId) {
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
    let [eax, ebx, ecx, edx] = answer(leaf, subleaf, &guest, cpu::cpuid);
    active.registers.rax = eax.into();
    active.registers.rbx = ebx.into();
    active.registers.rcx = ecx.into();
    active.registers.rdx = edx.into();
}
