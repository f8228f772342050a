//! Entering VMX operation on this CPU (SDM Vol. 3, 24.7).

use super::capability::{
    CapabilityMsrs, CpuidSummary, FeatureControl, Features, IA32_ARCH_CAPABILITIES, IA32_FEATURE_CONTROL, Missing,
};
use super::controls::{Choice, ControlWords, fixed_cr0, fixed_cr4};
use crate::cpu::descriptors::HostSegments;
use crate::cpu::{CpuIndex, cpuid, msr};
use crate::pool::KernelFrame;
use core::arch::asm;
use core::fmt;
use core::marker::PhantomData;
use x86_64::registers::control::{Cr0, Cr0Flags, Cr4, Cr4Flags};

/// What the machine offers, found once and the same on every CPU.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The VMX capability MSRs.
    pub msrs: CapabilityMsrs,
    /// What CPUID says.
    pub cpuid: CpuidSummary,
    /// What Ravelin makes of both.
    pub features: Features,
    /// The control words of every VMCS.
    pub controls: ControlWords,
    /// Slices end by the APIC's deadline timer; else only by the VMX-preemption timer.
    pub deadline_timer: bool,
}

/// Why this CPU cannot run guests.
#[derive(Clone, Debug)]
pub enum Unusable {
    /// A required feature is missing.
    Missing(Missing),
    /// The firmware has locked VMX off.
    LockedOff,
    /// The kernel's own memory does not suffice.
    NoFrames,
    /// The CPU makes guests exit where the exit budget says that they must not.
    ForcedExits,
    /// VMXON failed although everything above was in order.
    VmxonFailed(CpuIndex),
    /// The command line asks for the deadline timer, which the CPU has not.
    NoDeadlineTimer,
    /// Neither of the timers that can end a slice is there.
    NoTimer,
    /// This CPU does not offer what the boot CPU offers.
    Different(CpuIndex),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::LockedOff => {
                f.write_str("the firmware has locked VMX off (IA32_FEATURE_CONTROL); enable it in the firmware's setup")
            }
            Self::NoFrames => f.write_str("the kernel's own memory does not suffice for another CPU"),
            Self::ForcedExits => f.write_str(
                "this CPU makes guests exit when they load or store CR3 (it has no TRUE control MSRs, IA32_VMX_BASIC bit 55)",
            ),
            Self::VmxonFailed(cpu) => write!(f, "VMXON failed on CPU {}", cpu.as_u32()),
            Self::NoDeadlineTimer => f.write_str("timer=deadline, but this CPU has no TSC-deadline timer"),
            Self::NoTimer => f.write_str("this CPU has neither a TSC-deadline timer nor a VMX-preemption timer"),
            Self::Different(cpu) => write!(f, "CPU {} does not offer what the boot CPU offers", cpu.as_u32()),
        }
    }
}

impl From<Missing> for Unusable {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

/// Which timer ends slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerChoice {
    /// The deadline timer where there is one.
    Auto,
    /// The APIC's TSC-deadline timer.
    Deadline,
    /// The VMX-preemption timer.
    Preemption,
}

/// Looks at this CPU. Needs the kernel's own IDT.
///
/// # Errors
/// [`Unusable`] names what is missing.
pub fn detect(timer: TimerChoice) -> Result<Machine, Unusable> {
    let cpuid = CpuidSummary::read(|leaf, subleaf| {
        let [eax, ebx, ecx, edx] = cpuid(leaf, subleaf);
        (eax, ebx, ecx, edx)
    });
    let msrs = CapabilityMsrs::read(msr::read_guarded);
    let features = Features::detect(&msrs, &cpuid)?;
    if !features.forced_exits.is_empty() {
        return Err(Unusable::ForcedExits);
    }
    let deadline_timer = match timer {
        TimerChoice::Preemption if features.preemption_timer => false,
        TimerChoice::Auto | TimerChoice::Deadline if features.tsc_deadline => true,
        TimerChoice::Deadline => return Err(Unusable::NoDeadlineTimer),
        TimerChoice::Auto if features.preemption_timer => false,
        TimerChoice::Auto | TimerChoice::Preemption => return Err(Unusable::NoTimer),
    };
    let preemption_timer = features.preemption_timer;
    let controls = ControlWords::compute(&msrs, &features, &Choice { preemption_timer })?;
    Ok(Machine { msrs, cpuid, features, controls, deadline_timer })
}

/// Tells what [`detect`] looks at, a line each: `capability msr=… name=… value=…` and `capability leaf=… …`.
pub fn dump_capabilities(mut line: impl FnMut(fmt::Arguments<'_>)) {
    /// Leaf and how many of its subleaves.
    const LEAVES: [(u32, u32); 18] = [
        (0, 1),
        (1, 1),
        (2, 1),
        (4, 5),
        (5, 1),
        (6, 1),
        (7, 2),
        (0xa, 1),
        (0xb, 3),
        (0xd, 9),
        (0x14, 1),
        (0x15, 1),
        (0x16, 1),
        (0x8000_0000, 1),
        (0x8000_0001, 1),
        (0x8000_0006, 1),
        (0x8000_0007, 1),
        (0x8000_0008, 1),
    ];
    let others =
        [("IA32_FEATURE_CONTROL", IA32_FEATURE_CONTROL, 0), ("IA32_ARCH_CAPABILITIES", IA32_ARCH_CAPABILITIES, 0)];
    for (name, register, _) in others.into_iter().chain(CapabilityMsrs::default().list()) {
        if let Some(value) = msr::read_guarded(register) {
            line(format_args!("capability msr={register:#x} name={name} value={value:#018x}"));
        }
    }
    for (leaf, subleaf) in LEAVES.into_iter().flat_map(|(leaf, count)| (0..count).map(move |subleaf| (leaf, subleaf))) {
        if leaf > cpuid(leaf & 0x8000_0000, 0)[0] {
            continue;
        }
        let [eax, ebx, ecx, edx] = cpuid(leaf, subleaf);
        line(format_args!(
            "capability leaf={leaf:#x} subleaf={subleaf} eax={eax:#010x} ebx={ebx:#010x} ecx={ecx:#010x} edx={edx:#010x}"
        ));
    }
}

/// Proof that this CPU is in VMX operation. It stays on its CPU.
#[derive(Debug)]
pub struct Operation<'m> {
    /// What the machine offers.
    pub machine: &'m Machine,
    /// This CPU's descriptor tables.
    pub segments: HostSegments,
    /// This CPU.
    pub cpu: CpuIndex,
    _region: KernelFrame,
    _this_cpu_only: PhantomData<*mut ()>,
}

/// Enters VMX operation on this CPU, for good.
///
/// # Errors
/// [`Unusable`] says what stands against it.
pub fn enter(machine: &Machine, segments: HostSegments, cpu: CpuIndex) -> Result<Operation<'_>, Unusable> {
    // Firmware may have prepared one CPU and not another.
    let own = CapabilityMsrs::read(msr::read_guarded);
    if (CapabilityMsrs { feature_control: machine.msrs.feature_control, ..own }) != machine.msrs {
        return Err(Unusable::Different(cpu));
    }
    match own.feature_control_decision() {
        FeatureControl::Usable => {}
        FeatureControl::MustEnable(value) => {
            // The register may be shared with a hyper-thread that has just locked it: then the write faults, and only what
            // the register says afterwards counts.
            // SAFETY: the value only enables VMX outside SMX and locks the register, as firmware does.
            let _ = unsafe { msr::write_guarded(IA32_FEATURE_CONTROL, value) };
            let now = CapabilityMsrs::read(msr::read_guarded);
            if !matches!(now.feature_control_decision(), FeatureControl::Usable) {
                return Err(Unusable::LockedOff);
            }
        }
        _ => return Err(Unusable::LockedOff),
    }
    let region = KernelFrame::take().ok_or(Unusable::NoFrames)?;
    // SAFETY: the first word of a VMXON region is the VMCS revision (SDM 24.11.5); the frame is this function's.
    unsafe { region.pointer::<u32>().write(machine.msrs.vmcs_revision()) };
    let cr0 = fixed_cr0(&machine.msrs, Cr0::read_raw());
    let cr4 = fixed_cr4(&machine.msrs, (Cr4::read() | Cr4Flags::VIRTUAL_MACHINE_EXTENSIONS).bits());
    let failed: u8;
    // SAFETY: 1. the fixed bits only add what VMX operation demands; 2. the region is aligned, carries the revision, is
    // the CPU's own and is kept as long as the `Operation`, which is never dropped while the CPU runs guests.
    unsafe {
        Cr0::write(Cr0Flags::from_bits_retain(cr0));
        Cr4::write(Cr4Flags::from_bits_retain(cr4));
        let address = region.number().start().as_u64();
        asm!("vmxon [{}]", "setbe {}", in(reg) &raw const address, out(reg_byte) failed);
    }
    if failed != 0 {
        return Err(Unusable::VmxonFailed(cpu));
    }
    Ok(Operation { machine, segments, cpu, _region: region, _this_cpu_only: PhantomData })
}

/// Drops every translation that this CPU has cached for any guest (INVEPT, all contexts; SDM 31.3).
pub fn flush_all(_in_operation: &Operation<'_>) {
    const ALL_CONTEXTS: u64 = 2;
    let descriptor = [0_u64; 2];
    // SAFETY: the CPU is in VMX operation and has this type (both are required features).
    unsafe { asm!("invept {}, [{}]", in(reg) ALL_CONTEXTS, in(reg) &raw const descriptor, options(nostack, readonly)) };
}
