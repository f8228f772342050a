//! Instructions that exit because a guest could harm others with them: done on its behalf where harmless,
//! refused as the architecture refuses them elsewhere.

use super::active::ActiveVcpu;
use super::fields;
use super::setup::{CR0_PINNED, EFER_GUEST, cr4_free};
use super::switched::{Debug, SYSTEM_CALL, read_dr6, write_dr6};
use crate::cpu::msr::{self, number};
use crate::cpu::tsc;

/// The guest gets #GP(0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneralProtection;

type Emulated<T> = Result<T, GeneralProtection>;

const EFER_SCE: u64 = 1;

fn canonical(address: u64) -> bool {
    let high = address >> 47;
    high == 0 || high == (1 << 17) - 1
}

impl ActiveVcpu<'_> {
    /// The general register with this number, as exit qualifications count (SDM Table 28-3): 4 is RSP.
    #[must_use]
    pub fn register(&self, number: u8) -> u64 {
        let r = &*self.registers;
        match number {
            0 => r.rax,
            1 => r.rcx,
            2 => r.rdx,
            3 => r.rbx,
            4 => self.current.read(fields::GUEST_RSP),
            5 => r.rbp,
            6 => r.rsi,
            7 => r.rdi,
            8 => r.r8,
            9 => r.r9,
            10 => r.r10,
            11 => r.r11,
            12 => r.r12,
            13 => r.r13,
            14 => r.r14,
            _ => r.r15,
        }
    }

    /// MOV to CR0 that touches a pinned bit: refused unless it leaves them all as they are.
    ///
    /// # Errors
    /// [`GeneralProtection`] where a pinned bit would change.
    pub fn write_cr0(&mut self, value: u64) -> Emulated<()> {
        let current = self.current.read(fields::GUEST_CR0);
        let seen = current & !CR0_PINNED | self.current.read(fields::CR0_READ_SHADOW) & CR0_PINNED;
        if (seen ^ value) & CR0_PINNED != 0 || value >> 32 != 0 {
            return Err(GeneralProtection);
        }
        self.current.write_guest(fields::GUEST_CR0, current & CR0_PINNED | value & !CR0_PINNED);
        Ok(())
    }

    /// LMSW: the low four bits of CR0, of which it can set but not clear PE.
    ///
    /// # Errors
    /// As for [`Self::write_cr0`]: never, in fact, since PE is set already.
    pub fn load_machine_status_word(&mut self, source: u16) -> Emulated<()> {
        const PROTECTION_ENABLE: u64 = 1;
        let current = self.current.read(fields::GUEST_CR0);
        self.write_cr0(current & !0xf | u64::from(source) & 0xf | PROTECTION_ENABLE)
    }

    /// MOV to CR4 that touches a bit which is not the guest's to change.
    ///
    /// # Errors
    /// [`GeneralProtection`] where such a bit would change.
    pub fn write_cr4(&mut self, value: u64) -> Emulated<()> {
        let free = cr4_free(&self.operation.machine.msrs);
        if (self.current.read(fields::CR4_READ_SHADOW) ^ value) & !free != 0 {
            return Err(GeneralProtection);
        }
        let current = self.current.read(fields::GUEST_CR4);
        self.current.write_guest(fields::GUEST_CR4, current & !free | value & free);
        Ok(())
    }

    /// Whether the guest has set CR4.OSXSAVE.
    #[must_use]
    pub fn uses_xsave(&self) -> bool {
        self.current.read(fields::GUEST_CR4) & 1 << 18 != 0
    }

    /// XCR0 as the guest has set it.
    #[must_use]
    pub fn xcr0(&self) -> u64 {
        self.switched.xcr0
    }

    /// XSETBV.
    ///
    /// # Errors
    /// [`GeneralProtection`] for a register or a value that the architecture refuses, and outside of ring 0.
    pub fn xsetbv(&mut self, register: u32, value: u64) -> Emulated<()> {
        const DESCRIPTOR_PRIVILEGE: u32 = 3 << 5;
        // A CPU raises #GP in ring 3 itself (SDM 26.1.1); Bochs 2.7 exits before it looks.
        let in_ring_0 = self.current.read(fields::GUEST_SS_ACCESS_RIGHTS) & DESCRIPTOR_PRIVILEGE == 0;
        if !in_ring_0 || register != 0 || !self.vector_state.set_xcr0(value) {
            return Err(GeneralProtection);
        }
        self.switched.xcr0 = value;
        self.published = None;
        Ok(())
    }

    /// RDMSR of a register that is not passed through.
    ///
    /// # Errors
    /// [`GeneralProtection`] for all but the few that a guest may read.
    pub fn read_msr(&self, register: u32) -> Emulated<u64> {
        if let Some(index) = SYSTEM_CALL.iter().position(|&known| known == register) {
            return Ok(self.switched.system_call[index]);
        }
        Ok(match register {
            number::EFER => self.current.read(fields::GUEST_IA32_EFER),
            number::PAT => self.current.read(fields::GUEST_IA32_PAT),
            number::SYSENTER_CS => self.current.read(fields::GUEST_IA32_SYSENTER_CS).into(),
            number::SYSENTER_ESP => self.current.read(fields::GUEST_IA32_SYSENTER_ESP),
            number::SYSENTER_EIP => self.current.read(fields::GUEST_IA32_SYSENTER_EIP),
            number::TSC_AUX if self.operation.machine.features.rdtscp => self.switched.tsc_aux,
            number::TSC => tsc(),
            _ => return Err(GeneralProtection),
        })
    }

    /// WRMSR of a register that is not passed through.
    ///
    /// # Errors
    /// [`GeneralProtection`] for a register that a guest may not write, or a value that the architecture refuses.
    pub fn write_msr(&mut self, register: u32, value: u64) -> Emulated<()> {
        if let Some(index) = SYSTEM_CALL.iter().position(|&known| known == register) {
            let good = match register {
                number::LSTAR | number::CSTAR => canonical(value),
                number::FMASK => value >> 32 == 0,
                _ => true,
            };
            if !good {
                return Err(GeneralProtection);
            }
            self.switched.system_call[index] = value;
            self.published = None;
            // SAFETY: the kernel never executes SYSCALL, and the CPU does not refuse these values.
            unsafe { msr::write(register, value) };
            return Ok(());
        }
        match register {
            // Only SCE is the guest's; a write that leaves the pinned bits alone is fine.
            number::EFER if (value ^ EFER_GUEST) & !EFER_SCE == 0 => {
                self.current.write_guest(fields::GUEST_IA32_EFER, value);
            }
            number::PAT if value.to_le_bytes().iter().all(|kind| matches!(kind, 0 | 1 | 4..=7)) => {
                self.current.write_guest(fields::GUEST_IA32_PAT, value);
            }
            number::SYSENTER_CS => {
                let value = u32::try_from(value & 0xffff_ffff).unwrap_or(0);
                self.current.write_guest(fields::GUEST_IA32_SYSENTER_CS, value);
            }
            number::SYSENTER_ESP if canonical(value) => {
                self.current.write_guest(fields::GUEST_IA32_SYSENTER_ESP, value);
            }
            number::SYSENTER_EIP if canonical(value) => {
                self.current.write_guest(fields::GUEST_IA32_SYSENTER_EIP, value);
            }
            number::TSC_AUX if self.operation.machine.features.rdtscp && value >> 32 == 0 => {
                self.switched.tsc_aux = value;
                self.published = None;
                // SAFETY: the kernel does not execute RDTSCP.
                unsafe { msr::write(register, value) };
            }
            _ => return Err(GeneralProtection),
        }
        Ok(())
    }

    /// The guest's first use of a debug register: from now on they are switched, and no longer exit.
    pub fn use_debug_registers(&mut self) {
        const MOV_DR_EXITING: u32 = 1 << 23;
        if self.switched.debug.is_none() {
            let fresh = Debug::RESET;
            fresh.load();
            self.switched.debug = Some(fresh);
            self.published = None;
            self.change_primary(MOV_DR_EXITING, false);
        }
    }

    /// Makes DR6 say what a #DB exit says and drops the guard of the debug registers, as the CPU would have done on
    /// delivery (SDM 18.2.4, Table 28-1).
    pub fn merge_debug_status(&mut self, qualification: u64) {
        const CAUSES: u64 = 0x600f;
        const GENERAL_DETECT: u64 = 1 << 13;
        const SINGLE_STEP: u64 = 1 << 14;
        const TRAP_FLAG: u64 = 1 << 8;
        const BLOCKING_BY_STI_OR_MOV_SS: u32 = 3;
        self.use_debug_registers();
        write_dr6(read_dr6() & !0xf | qualification & CAUSES);
        let control = self.current.read(fields::GUEST_DR7);
        self.current.write_guest(fields::GUEST_DR7, control & !GENERAL_DETECT);
        // With a step pending in the shadow of STI or MOV SS, the CPU enters only if the step is (SDM 27.3.1.5).
        let shadow = self.current.read(fields::GUEST_INTERRUPTIBILITY_STATE) & BLOCKING_BY_STI_OR_MOV_SS != 0;
        let stepping = self.current.read(fields::GUEST_RFLAGS) & TRAP_FLAG != 0;
        let pending = if shadow && stepping { SINGLE_STEP } else { 0 };
        self.current.write_guest(fields::GUEST_PENDING_DEBUG_EXCEPTIONS, pending);
    }

    /// After an NMI exit: the CPU blocks further NMIs in root mode until an IRET, and Bochs also marks the guest.
    pub fn end_nmi(&mut self) {
        const BLOCKING_BY_NMI: u32 = 1 << 3;
        let blocking = self.current.read(fields::GUEST_INTERRUPTIBILITY_STATE);
        self.current.write_guest(fields::GUEST_INTERRUPTIBILITY_STATE, blocking & !BLOCKING_BY_NMI);
        crate::cpu::interrupts::allow_nmi();
    }
}
