//! Events on their way into or out of a guest, and the word that the VMCS encodes them in.
//!
//! Exit, IDT-vectoring and entry information share one layout (SDM 25.8.3, 25.9.2, 25.9.3); this is its only home.

/// What kind of event a vector stands for (SDM Table 25-17, bits 10:8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// An interrupt from outside.
    ExternalInterrupt,
    /// A non-maskable interrupt.
    Nmi,
    /// An exception that the CPU raises.
    HardwareException,
    /// `INT n`.
    SoftwareInterrupt,
    /// `INT1`, which raises #DB.
    PrivilegedSoftwareException,
    /// `INT3` and `INTO`.
    SoftwareException,
    /// Not an event of the IDT: a pending MTF exit.
    Other,
}

impl EventKind {
    const fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => Some(Self::ExternalInterrupt),
            2 => Some(Self::Nmi),
            3 => Some(Self::HardwareException),
            4 => Some(Self::SoftwareInterrupt),
            5 => Some(Self::PrivilegedSoftwareException),
            6 => Some(Self::SoftwareException),
            7 => Some(Self::Other),
            _ => None,
        }
    }

    const fn code(self) -> u32 {
        match self {
            Self::ExternalInterrupt => 0,
            Self::Nmi => 2,
            Self::HardwareException => 3,
            Self::SoftwareInterrupt => 4,
            Self::PrivilegedSoftwareException => 5,
            Self::SoftwareException => 6,
            Self::Other => 7,
        }
    }

    /// Whether the event is part of an instruction, so that its delivery needs the instruction's length.
    #[must_use]
    pub const fn is_software(self) -> bool {
        matches!(self, Self::SoftwareInterrupt | Self::PrivilegedSoftwareException | Self::SoftwareException)
    }
}

/// An event: vector, kind and, for some exceptions, an error code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Vector of the IDT.
    pub vector: u8,
    /// What the vector stands for.
    pub kind: EventKind,
    /// What the CPU pushes after the frame, where it pushes something.
    pub error_code: Option<u32>,
}

const ERROR_CODE_VALID: u32 = 1 << 11;
const VALID: u32 = 1 << 31;

impl Event {
    /// The hardware exception with this vector.
    #[must_use]
    pub const fn exception(vector: u8, error_code: Option<u32>) -> Self {
        Self { vector, kind: EventKind::HardwareException, error_code }
    }

    /// An interrupt from outside, as the guest sees it.
    #[must_use]
    pub const fn interrupt(vector: u8) -> Self {
        Self { vector, kind: EventKind::ExternalInterrupt, error_code: None }
    }

    /// #UD: what an instruction gets that the guest does not have.
    #[must_use]
    pub const fn invalid_opcode() -> Self {
        Self::exception(6, None)
    }

    /// #GP(0): what an instruction gets whose operands the guest may not use.
    #[must_use]
    pub const fn general_protection() -> Self {
        Self::exception(13, Some(0))
    }

    /// The event that an information word and an error-code field describe; `None` where the word is not valid.
    #[must_use]
    pub const fn from_interruption_info(info: u32, error_code: u32) -> Option<Self> {
        if info & VALID == 0 {
            return None;
        }
        let [vector, ..] = info.to_le_bytes();
        match EventKind::from_code(info >> 8 & 7) {
            Some(kind) => {
                let error_code = if info & ERROR_CODE_VALID == 0 { None } else { Some(error_code) };
                Some(Self { vector, kind, error_code })
            }
            None => None,
        }
    }

    /// The word that makes the next entry deliver this event (SDM 25.8.3).
    #[must_use]
    pub const fn interruption_info(self) -> u32 {
        let error_code = if self.error_code.is_some() { ERROR_CODE_VALID } else { 0 };
        VALID | error_code | self.kind.code() << 8 | self.vector as u32
    }
}
