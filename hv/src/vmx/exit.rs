//! Exits: raw words from the VMCS in, an enum out. Pure, so that every layout is tested on the host.

mod decode;
mod event;
pub mod reason;
#[cfg(test)]
mod tests;

pub use decode::decode;
pub use event::{Event, EventKind};
pub use reason::reason_name;

use crate::addr::{GuestPhysical, GuestVirtual};

/// The words of the VMCS that say why a guest exited, unread by anybody (SDM 25.9).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RawExit {
    /// Exit reason, with its flags (SDM 25.9.1).
    pub reason: u32,
    /// Exit qualification (SDM 28.2.1).
    pub qualification: u64,
    /// VM-exit interruption information (SDM 25.9.2).
    pub interruption_info: u32,
    /// VM-exit interruption error code.
    pub interruption_error: u32,
    /// IDT-vectoring information (SDM 25.9.3).
    pub idt_vectoring_info: u32,
    /// IDT-vectoring error code.
    pub idt_vectoring_error: u32,
    /// Bytes of the instruction that exited.
    pub instruction_length: u32,
    /// Guest-physical address, for EPT exits.
    pub guest_physical: u64,
    /// Guest-linear address, for exits that have one.
    pub guest_linear: u64,
}

/// How a guest left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// By VMCALL, of which there is no more to know than [`RawExit::CALL`].
    Call,
    /// By anything else.
    Exit,
}

impl RawExit {
    /// A VMCALL, but for its length.
    pub const CALL: Self = Self {
        reason: reason::VMCALL as u32,
        qualification: 0,
        interruption_info: 0,
        interruption_error: 0,
        idt_vectoring_info: 0,
        idt_vectoring_error: 0,
        instruction_length: 0,
        guest_physical: 0,
        guest_linear: 0,
    };

    /// The basic exit reason (SDM Appendix C).
    #[must_use]
    pub const fn basic_reason(&self) -> u16 {
        let [low, high, ..] = self.reason.to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// The event whose delivery this exit cut short, if any.
    #[must_use]
    pub const fn interrupted_delivery(&self) -> Option<Event> {
        Event::from_interruption_info(self.idt_vectoring_info, self.idt_vectoring_error)
    }
}

/// An access to a control register (SDM Table 28-3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CrAccess {
    /// MOV to a control register.
    MovToCr {
        /// Which control register.
        cr: u8,
        /// Which general register; 4 is RSP.
        register: u8,
    },
    /// MOV from a control register.
    MovFromCr {
        /// Which control register.
        cr: u8,
        /// Which general register; 4 is RSP.
        register: u8,
    },
    /// CLTS.
    Clts,
    /// LMSW.
    Lmsw {
        /// The operand.
        source: u16,
        /// Whether the operand is in memory.
        memory: bool,
    },
}

/// An access to a debug register (SDM Table 28-4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DrAccess {
    /// Which debug register.
    pub dr: u8,
    /// Which general register; 4 is RSP.
    pub register: u8,
    /// Whether the debug register is read.
    pub read: bool,
}

/// An access that the extended page tables do not allow (SDM Table 28-7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EptViolation {
    /// The access read.
    pub read: bool,
    /// The access wrote.
    pub write: bool,
    /// The access fetched an instruction.
    pub execute: bool,
    /// What was accessed, as the guest names it.
    pub guest_physical: GuestPhysical,
    /// The linear address that led there, where the CPU knows one.
    pub linear: Option<GuestVirtual>,
    /// The access was to a paging structure of the guest on the way to the linear address, not to what it maps.
    pub during_walk: bool,
    /// The page was readable, writable, executable.
    pub allowed: [bool; 3],
    /// An IRET had just unblocked NMIs, which have to be blocked again before the entry that repeats it.
    pub nmi_unblocking: bool,
}

/// Why the CPU refused guest state (SDM 27.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryFailure {
    /// Some rule of SDM 27.3.1 is broken; the checker of `entry_check` says which.
    GuestState,
    /// Loading an MSR of the VM-entry list failed.
    MsrLoading {
        /// Which entry of the list, counted from 1.
        entry: u64,
    },
    /// A machine check happened during the entry.
    MachineCheck,
}

/// A VMX instruction that a guest executed; a guest has none of them but VMCALL (SDM 28.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the instructions'")]
pub enum VmxInstruction {
    Vmclear,
    Vmlaunch,
    Vmptrld,
    Vmptrst,
    Vmread,
    Vmresume,
    Vmwrite,
    Vmxoff,
    Vmxon,
    Invept,
    Invvpid,
    Vmfunc,
}

/// Why the guest exited, decoded (SDM Appendix C). Instructions stand under their names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "variants without a comment are the instructions or events of their name")]
pub enum Exit {
    /// An exception of the exception bitmap, or an NMI.
    ExceptionOrNmi(Event),
    ExternalInterrupt {
        /// The vector that the exit acknowledged.
        vector: u8,
    },
    TripleFault,
    Init,
    StartupIpi,
    InterruptWindow,
    NmiWindow,
    TaskSwitch,
    Cpuid,
    Getsec,
    Hlt,
    Invd,
    Invlpg,
    Rdpmc,
    Rdtsc,
    Rdtscp,
    Rsm,
    Vmcall,
    Vmx(VmxInstruction),
    CrAccess(CrAccess),
    DrAccess(DrAccess),
    /// A port access (SDM Table 28-5).
    Io {
        /// The port.
        port: u16,
        /// Bytes of one access: 1, 2 or 4.
        size: u8,
        /// Whether it reads the port.
        input: bool,
        /// INS or OUTS.
        string: bool,
        /// With a REP prefix.
        rep: bool,
    },
    Rdmsr,
    Wrmsr,
    EntryFailure(EntryFailure),
    Mwait,
    MonitorTrapFlag,
    Monitor,
    Pause,
    TprBelowThreshold,
    /// LGDT, LIDT, SGDT, SIDT, LLDT, LTR, SLDT or STR.
    DescriptorTable,
    EptViolation(EptViolation),
    /// An EPT entry that the architecture does not allow: always a bug of the kernel's.
    EptMisconfiguration {
        /// The address whose translation met the entry.
        guest_physical: GuestPhysical,
    },
    PreemptionTimer,
    Wbinvd,
    Xsetbv,
    Rdrand,
    Rdseed,
    Invpcid,
    PmlFull,
    Xsaves,
    Xrstors,
    /// Any other basic reason.
    Unknown(u16),
}
