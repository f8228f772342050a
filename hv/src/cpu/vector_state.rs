//! x87, SSE and AVX state. The kernel never touches it, so it is saved only when another environment gets the CPU.

use super::cpuid;
use crate::pool::{Account, KernelFrame};
use core::arch::asm;

/// XCR0 bits that Ravelin lets guests use: x87, SSE, AVX and the three of AVX-512. Together they fit a frame.
const SUPPORTED: u64 = 0b1110_0111;

/// The vector state of a vCPU that is not on a CPU.
#[derive(Debug)]
pub struct VectorState {
    area: KernelFrame,
    usable: u64,
}

/// XCR0 bits that this CPU has and guests may use; 0 where it has no XSAVE.
#[must_use]
pub fn usable() -> u64 {
    if cpuid(1, 0)[2] & 1 << 26 == 0 {
        return 0;
    }
    let [low, _, _, high] = cpuid(0xd, 0);
    (u64::from(high) << 32 | u64::from(low)) & SUPPORTED
}

/// Whether XCR0 may hold `value` (SDM Vol. 1, 13.3): x87 always, AVX with SSE, AVX-512 whole and with AVX.
#[must_use]
pub const fn valid(value: u64, usable: u64) -> bool {
    const AVX: u64 = 0b100;
    const AVX512: u64 = 0b1110_0000;
    value & !usable == 0
        && value & 1 != 0
        && (value & AVX == 0 || value & 0b10 != 0)
        && (value & AVX512 == 0 || value & (AVX512 | AVX) == AVX512 | AVX)
}

impl VectorState {
    /// The state of a fresh environment: all registers at their reset values. `None` without a frame for it.
    #[must_use]
    pub fn new(account: Account) -> Option<Self> {
        let area = KernelFrame::take_from(account)?;
        let (control, mask) = (0x37f_u16, 0x1f80_u32);
        // SAFETY: the frame is this state's alone. FCW is at 0 and MXCSR at 24 of the legacy area (SDM Vol. 1, 13.4.1);
        // the header's zeros say that every component is in its initial state.
        unsafe {
            area.pointer::<u16>().write(control);
            area.pointer::<u8>().add(24).cast::<u32>().write(mask);
        }
        Some(Self { area, usable: usable() })
    }

    /// Sets XCR0 for the guest whose state is on this CPU; `false` where [`valid`] refuses the value.
    #[must_use]
    pub fn set_xcr0(&self, value: u64) -> bool {
        let good = valid(value, self.usable);
        if good {
            write_xcr0(value);
        }
        good
    }

    /// Puts this state into the CPU, for a guest whose XCR0 is this.
    pub fn load(&self, xcr0: u64) {
        let area = self.area.pointer::<u8>();
        if self.usable == 0 {
            // SAFETY: the area is a whole frame, so aligned and long enough, and holds a valid image.
            return unsafe { asm!("fxrstor64 [{}]", in(reg) area, options(nostack)) };
        }
        write_xcr0(self.usable);
        // SAFETY: as above; the mask names only components that XCR0 has just enabled, and the image was made by
        // `new` or `save` and is the kernel's alone.
        unsafe { asm!("xrstor64 [{}]", in(reg) area, in("eax") u32::MAX, in("edx") u32::MAX, options(nostack)) };
        write_xcr0(xcr0);
    }

    /// Takes this CPU's state.
    pub fn save(&mut self) {
        let area = self.area.pointer::<u8>();
        if self.usable == 0 {
            // SAFETY: the area is a whole frame of this state's own.
            return unsafe { asm!("fxsave64 [{}]", in(reg) area, options(nostack)) };
        }
        write_xcr0(self.usable);
        // SAFETY: as above; the enabled components fit a frame (`SUPPORTED`).
        unsafe { asm!("xsave64 [{}]", in(reg) area, in("eax") u32::MAX, in("edx") u32::MAX, options(nostack)) };
    }
}

pub(crate) fn write_xcr0(value: u64) {
    let (low, high) = (value & 0xffff_ffff, value >> 32);
    // SAFETY: `valid` has allowed the value or it is what the CPU offers, the kernel runs with CR4.OSXSAVE and uses no
    // vector instruction.
    unsafe { asm!("xsetbv", in("ecx") 0, in("rax") low, in("rdx") high, options(nostack)) };
}
