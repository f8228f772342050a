//! A VMCS, in two types: [`Vmcs`] rests in memory, [`Current`] is loaded on this CPU and can be read, written and run.

use super::fields::{self, Field, Width};
use super::instruction_error;
use super::operation::Operation;
use crate::pool::{Account, KernelFrame};
use core::arch::asm;
use core::fmt;
use core::marker::PhantomData;

/// A virtual-machine control structure that is not necessarily loaded.
#[derive(Debug)]
pub struct Vmcs {
    frame: KernelFrame,
    launched: bool,
}

/// A VMX instruction failed (SDM Vol. 3, 31.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// There was no current VMCS.
    Invalid,
    /// The number of the VM-instruction error.
    Valid(u32),
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid => f.write_str("VMfailInvalid"),
            Self::Valid(number) => write!(f, "VM-instruction error {number}: {}", instruction_error::name(*number)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Vmcs {
    /// A cleared VMCS; `None` without a frame for it.
    #[must_use]
    pub fn new(operation: &Operation<'_>, account: Account) -> Option<Self> {
        let frame = KernelFrame::take_from(account)?;
        // SAFETY: the first word of a VMCS is its revision (SDM 25.2); the frame is this VMCS's alone.
        unsafe { frame.pointer::<u32>().write(operation.machine.msrs.vmcs_revision()) };
        let vmcs = Self { frame, launched: false };
        vmcs.clear();
        Some(vmcs)
    }

    fn clear(&self) {
        let address = self.frame.number().start().as_u64();
        // SAFETY: the address is that of a VMCS with the right revision, aligned and inside the physical width.
        unsafe { asm!("vmclear [{}]", in(reg) &raw const address, options(nostack)) };
    }

    /// Its physical address.
    pub(super) fn address(&self) -> u64 {
        self.frame.number().start().as_u64()
    }

    /// The VMCS that a transfer of control has made this CPU's.
    pub(super) fn adopt(&mut self) -> Current<'_> {
        Current { vmcs: self, _this_cpu_only: PhantomData }
    }

    /// Makes this the VMCS that this CPU works on. A VMCS stays on the CPU that loads it first.
    pub fn load<'v>(&'v mut self, _on: &Operation<'_>) -> Current<'v> {
        let address = self.frame.number().start().as_u64();
        // SAFETY: as in `clear`; the CPU is in VMX operation.
        unsafe { asm!("vmptrld [{}]", in(reg) &raw const address, options(nostack)) };
        Current { vmcs: self, _this_cpu_only: PhantomData }
    }
}

impl Drop for Vmcs {
    /// The CPU may cache a VMCS that it has loaded: VMCLEAR, on that CPU, before the frame has another use.
    fn drop(&mut self) {
        self.clear();
    }
}

/// The VMCS that this CPU works on.
#[derive(Debug)]
pub struct Current<'v> {
    vmcs: &'v mut Vmcs,
    _this_cpu_only: PhantomData<*mut ()>,
}

impl Current<'_> {
    /// Reads a field.
    #[must_use]
    #[inline(always)]
    pub fn read<W: Width>(&self, field: Field<W>) -> W {
        W::from_raw(vmread(field.encoding()))
    }

    /// Reads a field by its encoding, 0 where the CPU has no such field: for reports.
    #[must_use]
    pub fn read_raw(&self, encoding: u32) -> u64 {
        vmread_or_zero(encoding)
    }

    /// Writes a field of the guest-state area. Whatever is wrong with the value, the CPU refuses the entry.
    ///
    /// # Panics
    /// Where the field is of another area, or the CPU has no such field: both are kernel bugs.
    #[inline(always)]
    pub fn write_guest<W: Width>(&mut self, field: Field<W>, value: W) {
        const GUEST_STATE: u32 = 2;
        assert!(field.encoding() >> 10 & 3 == GUEST_STATE, "{} is not guest state", field.name());
        // SAFETY: guest state says how the guest runs, and it runs inside its EPT whatever that is.
        unsafe { self.write(field, value) };
    }

    /// Writes any field.
    ///
    /// # Safety
    /// The value keeps the guest inside its EPT and the way back into the kernel as it is.
    ///
    /// # Panics
    /// Where the CPU has no such field: the features promised it.
    #[inline(always)]
    pub(crate) unsafe fn write<W: Width>(&mut self, field: Field<W>, value: W) {
        if !vmwrite(field.encoding(), value.to_raw()) {
            panic!("VMWRITE of {} failed: {}", field.name(), self.failure());
        }
    }

    pub(super) fn failure(&self) -> Failure {
        Failure::Valid(self.read(fields::VM_INSTRUCTION_ERROR))
    }

    pub(super) fn launched(&self) -> bool {
        self.vmcs.launched
    }

    pub(super) fn set_launched(&mut self) {
        self.vmcs.launched = true;
    }
}

/// VMREAD of the current VMCS, for fields that every CPU has which got this far.
#[inline(always)]
pub(super) fn vmread(encoding: u32) -> u64 {
    let value: u64;
    // SAFETY: called only while a VMCS is current (`Current`); reading has no other effect.
    unsafe { asm!("vmread {}, {}", out(reg) value, in(reg) u64::from(encoding), options(nomem, nostack)) };
    value
}

/// VMREAD of the current VMCS; a field that the CPU has not reads as 0.
fn vmread_or_zero(encoding: u32) -> u64 {
    let value: u64;
    // SAFETY: as in `vmread`; a VMREAD that fails leaves the register as it was.
    unsafe { asm!("vmread {}, {}", inout(reg) 0_u64 => value, in(reg) u64::from(encoding), options(nomem, nostack)) };
    value
}

/// VMWRITE to the current VMCS; `false` where the CPU refuses.
#[inline(always)]
pub(super) fn vmwrite(encoding: u32, value: u64) -> bool {
    let failed: u8;
    // SAFETY: called only while a VMCS is current; what the field means is the caller's concern (`Current::write`).
    unsafe {
        asm!("vmwrite {}, {}", "setbe {}", in(reg) u64::from(encoding), in(reg) value, out(reg_byte) failed,
            options(nomem, nostack));
    }
    failed == 0
}
