//! Accesses to memory that the guest does not hold, handed to the guest: by the CPU where it has #VE (SDM 26.5.7), else by
//! the kernel in the same way.

use super::active::ActiveVcpu;
use super::controls::SecondaryControls;
use super::exit::{Event, EventKind, RawExit};
use super::fields;
use super::setup;
use crate::addr::{GuestPhysical, GuestVirtual};
use crate::page::SharedPage;

const VECTOR: u8 = 20;
const BUSY_OFFSET: usize = 4;

/// The guest cannot be told of this access: it has not finished with the one before, or it was being told of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CannotDeliver;

impl ActiveVcpu<'_> {
    /// Has the CPU deliver such accesses through this page, or stops it. Does nothing on a CPU without #VE, whose
    /// accesses exit in either case. The page must outlive the vCPU.
    pub fn deliver_faults(&mut self, page: &SharedPage, on: bool) {
        if !self.operation.machine.features.virtualization_exceptions {
            return;
        }
        let bit = SecondaryControls::EPT_VIOLATION_VE.bits();
        let old = self.current.read(fields::SECONDARY_PROCESSOR_BASED_CONTROLS);
        let new = if on { old | bit } else { old & !bit };
        // SAFETY: the page is a kernel frame that the guest may write anyhow; #VE goes to the guest's own IDT, and what it
        // cannot take still exits.
        unsafe {
            let address = page.number().start().as_u64();
            self.current.write(fields::VIRTUALIZATION_EXCEPTION_INFORMATION_ADDRESS, address);
            self.current.write(fields::EPTP_INDEX, 0);
            self.current.write(fields::SECONDARY_PROCESSOR_BASED_CONTROLS, new);
        }
    }

    /// Tells the guest of the access that has just exited, as the CPU would have done. An event whose delivery the access
    /// interrupted is dropped if its instruction raises it again; an interrupt comes back as its vector.
    ///
    /// # Errors
    /// [`CannotDeliver`]; nothing has changed then.
    pub fn reflect_fault(&mut self, exit: &RawExit, page: &SharedPage) -> Result<Option<u8>, CannotDeliver> {
        if let Some(event) = exit.interrupted_delivery() {
            // The access was to the guest's own IDT or stack while it was being told of another one, or on the way of
            // something that cannot be raised again.
            let again = matches!(event.kind, EventKind::ExternalInterrupt) || event.kind.is_software();
            let fault = event.kind == EventKind::HardwareException && event.vector != VECTOR;
            if !again && !fault {
                return Err(CannotDeliver);
            }
        }
        if page.read(BUSY_OFFSET) != 0 {
            return Err(CannotDeliver);
        }
        let reason_and_busy = u64::from(exit.basic_reason()) | u64::from(u32::MAX) << 32;
        page.write(&[reason_and_busy, exit.qualification, exit.guest_linear, exit.guest_physical, 0]);
        Ok(self.inject(Event::exception(VECTOR, None)))
    }

    /// Goes on elsewhere in ring 0 of 64-bit code, with interrupts off, because the guest cannot be told of an access in any other
    /// way: rdi and rsi are where it led, rdx, rcx and r8 the old RIP, RSP and RFLAGS. What was being delivered is dropped, but an
    /// interrupt from outside comes back as its vector.
    pub fn enter_last_resort(
        &mut self,
        rip: u64,
        rsp: u64,
        linear: GuestVirtual,
        physical: GuestPhysical,
    ) -> Option<u8> {
        let displaced = self.drop_vectoring();
        let current = &mut self.current;
        let old = [fields::GUEST_RIP, fields::GUEST_RSP, fields::GUEST_RFLAGS].map(|field| current.read(field));
        setup::ring_0(current, rip, rsp);
        let registers = &mut *self.registers;
        (registers.rdi, registers.rsi) = (linear.as_u64(), physical.as_u64());
        [registers.rdx, registers.rcx, registers.r8] = old;
        displaced
    }
}
