//! From the words of an exit to what happened (SDM 28.2.1, Appendix C).

use super::{CrAccess, DrAccess, EntryFailure, EptViolation, Event, Exit, RawExit, VmxInstruction, reason};
use crate::addr::{GuestPhysical, GuestVirtual};

const fn bit(qualification: u64, number: u32) -> bool {
    qualification >> number & 1 != 0
}

/// Decodes an exit. Total: whatever the words, there is an answer.
#[must_use]
pub const fn decode(raw: &RawExit) -> Exit {
    match raw.basic_reason() {
        reason::EXCEPTION_OR_NMI => {
            match Event::from_interruption_info(raw.interruption_info, raw.interruption_error) {
                Some(event) => Exit::ExceptionOrNmi(event),
                None => Exit::Unknown(reason::EXCEPTION_OR_NMI),
            }
        }
        reason::EXTERNAL_INTERRUPT => {
            let [vector, ..] = raw.interruption_info.to_le_bytes();
            Exit::ExternalInterrupt { vector }
        }
        reason::TRIPLE_FAULT => Exit::TripleFault,
        reason::INIT => Exit::Init,
        reason::STARTUP_IPI => Exit::StartupIpi,
        reason::INTERRUPT_WINDOW => Exit::InterruptWindow,
        reason::NMI_WINDOW => Exit::NmiWindow,
        reason::TASK_SWITCH => Exit::TaskSwitch,
        reason::CPUID => Exit::Cpuid,
        reason::GETSEC => Exit::Getsec,
        reason::HLT => Exit::Hlt,
        reason::INVD => Exit::Invd,
        reason::INVLPG => Exit::Invlpg,
        reason::RDPMC => Exit::Rdpmc,
        reason::RDTSC => Exit::Rdtsc,
        reason::RDTSCP => Exit::Rdtscp,
        reason::RSM => Exit::Rsm,
        reason::VMCALL => Exit::Vmcall,
        reason::VMCLEAR => Exit::Vmx(VmxInstruction::Vmclear),
        reason::VMLAUNCH => Exit::Vmx(VmxInstruction::Vmlaunch),
        reason::VMPTRLD => Exit::Vmx(VmxInstruction::Vmptrld),
        reason::VMPTRST => Exit::Vmx(VmxInstruction::Vmptrst),
        reason::VMREAD => Exit::Vmx(VmxInstruction::Vmread),
        reason::VMRESUME => Exit::Vmx(VmxInstruction::Vmresume),
        reason::VMWRITE => Exit::Vmx(VmxInstruction::Vmwrite),
        reason::VMXOFF => Exit::Vmx(VmxInstruction::Vmxoff),
        reason::VMXON => Exit::Vmx(VmxInstruction::Vmxon),
        reason::INVEPT => Exit::Vmx(VmxInstruction::Invept),
        reason::INVVPID => Exit::Vmx(VmxInstruction::Invvpid),
        reason::VMFUNC => Exit::Vmx(VmxInstruction::Vmfunc),
        reason::CONTROL_REGISTER => Exit::CrAccess(cr_access(raw.qualification)),
        reason::DEBUG_REGISTER => Exit::DrAccess(dr_access(raw.qualification)),
        reason::IO_INSTRUCTION => io(raw.qualification),
        reason::RDMSR => Exit::Rdmsr,
        reason::WRMSR => Exit::Wrmsr,
        reason::ENTRY_FAILURE_GUEST_STATE => Exit::EntryFailure(EntryFailure::GuestState),
        reason::ENTRY_FAILURE_MSR_LOADING => Exit::EntryFailure(EntryFailure::MsrLoading { entry: raw.qualification }),
        reason::ENTRY_FAILURE_MACHINE_CHECK => Exit::EntryFailure(EntryFailure::MachineCheck),
        reason::MWAIT => Exit::Mwait,
        reason::MONITOR_TRAP_FLAG => Exit::MonitorTrapFlag,
        reason::MONITOR => Exit::Monitor,
        reason::PAUSE => Exit::Pause,
        reason::TPR_BELOW_THRESHOLD => Exit::TprBelowThreshold,
        reason::GDTR_OR_IDTR_ACCESS | reason::LDTR_OR_TR_ACCESS => Exit::DescriptorTable,
        reason::EPT_VIOLATION => Exit::EptViolation(ept_violation(raw)),
        reason::EPT_MISCONFIGURATION => {
            Exit::EptMisconfiguration { guest_physical: GuestPhysical::new(raw.guest_physical) }
        }
        reason::PREEMPTION_TIMER => Exit::PreemptionTimer,
        reason::WBINVD => Exit::Wbinvd,
        reason::XSETBV => Exit::Xsetbv,
        reason::RDRAND => Exit::Rdrand,
        reason::RDSEED => Exit::Rdseed,
        reason::INVPCID => Exit::Invpcid,
        reason::PML_FULL => Exit::PmlFull,
        reason::XSAVES => Exit::Xsaves,
        reason::XRSTORS => Exit::Xrstors,
        other => Exit::Unknown(other),
    }
}

const fn cr_access(qualification: u64) -> CrAccess {
    let [numbers, registers, source_low, source_high, ..] = qualification.to_le_bytes();
    let (cr, register) = (numbers & 0xf, registers & 0xf);
    match numbers >> 4 & 3 {
        0 => CrAccess::MovToCr { cr, register },
        1 => CrAccess::MovFromCr { cr, register },
        2 => CrAccess::Clts,
        _ => CrAccess::Lmsw { source: u16::from_le_bytes([source_low, source_high]), memory: numbers & 0x40 != 0 },
    }
}

const fn dr_access(qualification: u64) -> DrAccess {
    let [number, registers, ..] = qualification.to_le_bytes();
    DrAccess { dr: number & 7, register: registers & 0xf, read: number & 0x10 != 0 }
}

const fn io(qualification: u64) -> Exit {
    let [flags, _, port_low, port_high, ..] = qualification.to_le_bytes();
    Exit::Io {
        port: u16::from_le_bytes([port_low, port_high]),
        size: (flags & 7) + 1,
        input: flags & 1 << 3 != 0,
        string: flags & 1 << 4 != 0,
        rep: flags & 1 << 5 != 0,
    }
}

const fn ept_violation(raw: &RawExit) -> EptViolation {
    let qualification = raw.qualification;
    let linear_valid = bit(qualification, 7);
    EptViolation {
        read: bit(qualification, 0),
        write: bit(qualification, 1),
        execute: bit(qualification, 2),
        guest_physical: GuestPhysical::new(raw.guest_physical),
        linear: if linear_valid { Some(GuestVirtual::new(raw.guest_linear)) } else { None },
        during_walk: linear_valid && !bit(qualification, 8),
        allowed: [bit(qualification, 3), bit(qualification, 4), bit(qualification, 5)],
        nmi_unblocking: bit(qualification, 12),
    }
}
