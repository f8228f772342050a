//! State that the VMCS does not switch and that must not leak from one guest to the next.

use super::capability::Features;
use crate::cpu::msr::{self, number};
use crate::cpu::{read_cr2, vector_state, write_cr2};
use core::arch::asm;

/// The registers that SYSCALL, SWAPGS, RDTSCP and page faults use, and the debug registers.
#[derive(Debug)]
#[repr(C)]
pub struct Switched {
    /// IA32_STAR, IA32_LSTAR, IA32_CSTAR, IA32_FMASK: their writes exit, so these are the guest's values.
    pub system_call: [u64; 4],
    /// IA32_TSC_AUX, the same.
    pub tsc_aux: u64,
    pub(super) kernel_gs_base: u64,
    pub(super) cr2: u64,
    /// XCR0; 1, as after reset, where the CPU has none.
    pub xcr0: u64,
    has_tsc_aux: bool,
    /// The debug registers, once the guest has used them.
    pub debug: Option<Debug>,
}

/// DR0 to DR3 and DR6. DR7 is in the VMCS, and is clear for a guest that has not used debug registers.
#[derive(Clone, Copy, Debug)]
pub struct Debug {
    addresses: [u64; 4],
    /// DR6.
    pub status: u64,
}

/// The registers of [`Switched::system_call`], in order.
pub const SYSTEM_CALL: [u32; 4] = [number::STAR, number::LSTAR, number::CSTAR, number::FMASK];

impl Switched {
    /// As a guest finds it that has done nothing.
    pub(super) const FRESH: Self =
        Self { system_call: [0; 4], tsc_aux: 0, kernel_gs_base: 0, cr2: 0, xcr0: 1, has_tsc_aux: false, debug: None };

    pub(super) fn new(features: &Features) -> Self {
        Self { has_tsc_aux: features.rdtscp, ..Self::FRESH }
    }

    pub(super) fn load(&self) {
        for (register, value) in SYSTEM_CALL.into_iter().zip(self.system_call) {
            // SAFETY: the kernel never executes SYSCALL; the values were checked when the guest wrote them.
            unsafe { msr::write(register, value) };
        }
        // SAFETY: the kernel uses neither SWAPGS nor RDTSCP.
        unsafe {
            msr::write(number::KERNEL_GS_BASE, self.kernel_gs_base);
            if self.has_tsc_aux {
                msr::write(number::TSC_AUX, self.tsc_aux);
            }
        }
        write_cr2(self.cr2);
        if let Some(debug) = &self.debug {
            debug.load();
        }
    }

    /// Loads what is one's and not the other's of what neither changes unseen: the system-call registers, TSC_AUX, XCR0.
    pub(super) fn exchange(from: &Self, to: &Self) {
        for (register, (old, new)) in SYSTEM_CALL.into_iter().zip(from.system_call.into_iter().zip(to.system_call)) {
            if old != new {
                // SAFETY: as in `load`.
                unsafe { msr::write(register, new) };
            }
        }
        if from.tsc_aux != to.tsc_aux {
            // SAFETY: as in `load`; only a CPU that has the register lets a guest set it.
            unsafe { msr::write(number::TSC_AUX, to.tsc_aux) };
        }
        if from.xcr0 != to.xcr0 {
            vector_state::write_xcr0(to.xcr0);
        }
    }

    pub(super) fn save(&mut self) {
        self.kernel_gs_base = msr::read(number::KERNEL_GS_BASE);
        self.cr2 = read_cr2();
        if let Some(debug) = &mut self.debug {
            *debug = Debug::take();
        }
    }
}

impl Debug {
    /// The reset values.
    pub(super) const RESET: Self = Self { addresses: [0; 4], status: 0xffff_0ff0 };

    pub(super) fn load(&self) {
        let [a, b, c, d] = self.addresses;
        // SAFETY: the host's DR7 is clear (a VM exit loads 400H, SDM 28.5.1), so no address takes effect in root mode.
        unsafe {
            asm!("mov dr0, {}", "mov dr1, {}", "mov dr2, {}", "mov dr3, {}", in(reg) a, in(reg) b, in(reg) c, in(reg) d,
                options(nomem, nostack));
        }
        write_dr6(self.status);
    }

    fn take() -> Self {
        let (a, b, c, d): (u64, u64, u64, u64);
        // SAFETY: reading debug registers has no effect with DR7.GD clear.
        unsafe {
            asm!("mov {}, dr0", "mov {}, dr1", "mov {}, dr2", "mov {}, dr3", out(reg) a, out(reg) b, out(reg) c,
                out(reg) d, options(nomem, nostack));
        }
        Self { addresses: [a, b, c, d], status: read_dr6() }
    }
}

/// DR6 of this CPU.
pub(super) fn read_dr6() -> u64 {
    let value: u64;
    // SAFETY: reading a debug register has no effect with DR7.GD clear.
    unsafe { asm!("mov {}, dr6", out(reg) value, options(nomem, nostack)) };
    value
}

/// Sets DR6 of this CPU.
pub(super) fn write_dr6(value: u64) {
    // SAFETY: DR6 only reports; the kernel does not read it. Bits 63:32 are clear in every value that comes here.
    unsafe { asm!("mov dr6, {}", in(reg) value & 0xffff_ffff, options(nomem, nostack)) };
}
