//! A virtual CPU: a VMCS and all the state that the VMCS does not switch.

use super::exit::{Event, Left, RawExit};
use super::fields;
use super::operation::Operation;
use super::run::{GuestRegisters, in_ring_0_of_64_bit_code, step_over_instruction};
use super::setup;
use super::switched::Switched;
use super::vmcs::{Current, Failure, Vmcs};
use crate::addr::GuestPhysical;
use crate::cpu::tsc;
use crate::cpu::vector_state::VectorState;
use crate::guest_space::{GuestSpace, Occupant};
use crate::pool::{Account, KernelFrame};
use crate::shootdown::SpaceNumber;
use core::num::NonZeroU16;

/// Where and with what a fresh vCPU begins: 64-bit ring 0, interrupts off.
#[derive(Clone, Copy, Debug)]
pub struct EntryState {
    /// First instruction.
    pub rip: u64,
    /// Stack pointer.
    pub rsp: u64,
    /// Top-level page table, in the guest's memory.
    pub page_table: GuestPhysical,
    /// What rdi holds.
    pub argument: u64,
}

/// The kernel's own memory does not suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfFrames;

/// A virtual CPU that is not on a CPU. It stays on the CPU where it was made.
#[derive(Debug)]
pub struct Vcpu {
    vmcs: Vmcs,
    registers: GuestRegisters,
    pub(super) vector_state: VectorState,
    pub(super) switched: Switched,
    _virtual_apic: KernelFrame,
    /// After all that refers to the space's tables.
    occupant: Occupant,
}

impl Vcpu {
    /// Frames that a vCPU takes from its account: VMCS, virtual-APIC page, vector state.
    pub const FRAMES: u64 = 3;

    /// Makes a vCPU of this space, in frames of this account. No other vCPU has its VPID.
    ///
    /// # Errors
    /// [`OutOfFrames`] where the account does not suffice.
    pub fn new(
        operation: &Operation<'_>,
        space: &GuestSpace,
        account: Account,
        vpid: NonZeroU16,
        entry: &EntryState,
    ) -> Result<Self, OutOfFrames> {
        let mut vmcs = Vmcs::new(operation, account).ok_or(OutOfFrames)?;
        let virtual_apic = KernelFrame::take_from(account).ok_or(OutOfFrames)?;
        let vector_state = VectorState::new(account).ok_or(OutOfFrames)?;
        let mut current = vmcs.load(operation);
        setup::controls(&mut current, operation, space, vpid, virtual_apic.number())?;
        setup::host_state(&mut current, operation);
        setup::guest_state(&mut current, operation.machine, entry);
        let registers = GuestRegisters { rdi: entry.argument, ..GuestRegisters::default() };
        let switched = Switched::new(&operation.machine.features);
        let occupant = Occupant::of(space);
        Ok(Self { vmcs, registers, vector_state, switched, _virtual_apic: virtual_apic, occupant })
    }

    /// Puts the vCPU on its CPU: everything that guests share is now this one's.
    pub fn activate<'v>(&'v mut self, operation: &'v Operation<'v>) -> ActiveVcpu<'v> {
        let space = self.occupant.space();
        let Self { vmcs, registers, vector_state, switched, .. } = self;
        let current = vmcs.load(operation);
        vector_state.load();
        switched.load();
        ActiveVcpu {
            current,
            registers,
            vector_state,
            switched,
            operation,
            space,
            deadline: u64::MAX,
            timer: None,
            vectoring: None,
        }
    }
}

/// A virtual CPU on its CPU.
#[derive(Debug)]
pub struct ActiveVcpu<'v> {
    /// Its VMCS.
    pub current: Current<'v>,
    /// Its general registers.
    pub registers: &'v mut GuestRegisters,
    pub(super) vector_state: &'v mut VectorState,
    pub(super) switched: &'v mut Switched,
    pub(super) operation: &'v Operation<'v>,
    space: SpaceNumber,
    deadline: u64,
    /// What the preemption timer was set to.
    timer: Option<u32>,
    /// The event whose delivery the last exit interrupted: delivered again unless something else is injected.
    vectoring: Option<(u32, u32, u32)>,
}

impl ActiveVcpu<'_> {
    /// Runs the guest until an exit other than a null call, which is counted in `null_calls` instead. The words of an exit that is
    /// not a call are put into `exit`.
    ///
    /// The slice ends by the APIC's deadline. The preemption timer is set to what is left of the slice, at every such
    /// entry, so that no number of exits makes a slice longer, where it is the only timer, and where the guest has
    /// interrupts off: Bochs 2.7 then lets no interrupt exit until the guest changes its interrupt flag.
    ///
    /// # Errors
    /// [`Failure`] where the CPU refuses to enter for a reason that is not the guest's.
    #[inline]
    pub fn run(&mut self, null_calls: &mut u64, exit: &mut RawExit) -> Result<Left, Failure> {
        const INTERRUPT_FLAG: u64 = 1 << 9;
        let machine = self.operation.machine;
        if machine.features.preemption_timer {
            let masked = self.current.read(fields::GUEST_RFLAGS) & INTERRUPT_FLAG == 0;
            let value = if masked || !machine.deadline_timer {
                let left = self.deadline.saturating_sub(tsc()) >> machine.msrs.preemption_timer_shift();
                u32::try_from(left).unwrap_or(u32::MAX)
            } else {
                u32::MAX
            };
            // An exit leaves the field as it is (SDM 27.7.4 loads the timer from it at every entry).
            if self.timer != Some(value) {
                self.timer = Some(value);
                self.current.write_guest(fields::GUEST_VMX_PREEMPTION_TIMER_VALUE, value);
            }
        }
        if let Some((information, error_code, length)) = self.vectoring.take() {
            self.set_entry_event(information, error_code, length);
        }
        let null_calls = machine.deadline_timer.then_some(null_calls);
        let left = self.current.run(self.registers, null_calls, exit)?;
        const VALID: u32 = 1 << 31;
        const NOT_UNDEFINED: u32 = !(1 << 12);
        // An instruction that was executed interrupts no delivery.
        if left == Left::Exit && exit.idt_vectoring_info & VALID != 0 {
            self.vectoring =
                Some((exit.idt_vectoring_info & NOT_UNDEFINED, exit.idt_vectoring_error, exit.instruction_length));
        }
        Ok(left)
    }

    /// The space that it runs in, as the shootdown knows it.
    #[must_use]
    pub const fn space(&self) -> SpaceNumber {
        self.space
    }

    /// Says when the slice ends, for the preemption timer.
    pub fn set_deadline(&mut self, deadline: u64) {
        self.deadline = deadline;
    }

    /// Delivers an event at the next entry, instead of one whose delivery was interrupted. Returns the latter's vector
    /// if it was an interrupt from outside, which would be lost.
    pub fn inject(&mut self, event: Event) -> Option<u8> {
        let lost = self.drop_vectoring();
        self.set_entry_event(event.interruption_info(), event.error_code.unwrap_or(0), 1);
        lost
    }

    /// Drops the event whose delivery was interrupted; says its vector if it was an interrupt from outside.
    pub(super) fn drop_vectoring(&mut self) -> Option<u8> {
        const EXTERNAL_INTERRUPT: u32 = 0;
        let lost = self.vectoring.take();
        lost.filter(|&(information, _, _)| information >> 8 & 7 == EXTERNAL_INTERRUPT)
            .map(|(information, _, _)| information.to_le_bytes()[0])
    }

    /// Whether an event is on its way into the guest already.
    #[must_use]
    pub fn delivering(&self) -> bool {
        const VALID: u32 = 1 << 31;
        self.vectoring.is_some() || self.current.read(fields::VM_ENTRY_INTERRUPTION_INFORMATION) & VALID != 0
    }

    fn set_entry_event(&mut self, information: u32, error_code: u32, length: u32) {
        // SAFETY: what is injected is the guest's own business; it arrives through the guest's IDT.
        unsafe {
            self.current.write(fields::VM_ENTRY_INTERRUPTION_INFORMATION, information);
            self.current.write(fields::VM_ENTRY_EXCEPTION_ERROR_CODE, error_code);
            self.current.write(fields::VM_ENTRY_INSTRUCTION_LENGTH, length);
        }
    }

    /// Whether the guest would take an interrupt now.
    #[must_use]
    pub fn interruptible(&self) -> bool {
        const INTERRUPT_FLAG: u64 = 1 << 9;
        const BLOCKING_BY_STI_OR_MOV_SS: u32 = 3;
        self.current.read(fields::GUEST_RFLAGS) & INTERRUPT_FLAG != 0
            && self.current.read(fields::GUEST_INTERRUPTIBILITY_STATE) & BLOCKING_BY_STI_OR_MOV_SS == 0
            // A pending step would be lost by an injection (SDM 27.7.3); it comes first.
            && self.current.read(fields::GUEST_PENDING_DEBUG_EXCEPTIONS) == 0
            && !self.delivering()
    }

    /// Asks for an exit as soon as the guest would take an interrupt, or no longer.
    pub fn want_interrupt_window(&mut self, wanted: bool) {
        const INTERRUPT_WINDOW_EXITING: u32 = 1 << 2;
        self.change_primary(INTERRUPT_WINDOW_EXITING, wanted);
    }

    pub(super) fn change_primary(&mut self, bit: u32, set: bool) {
        let old = self.current.read(fields::PRIMARY_PROCESSOR_BASED_CONTROLS);
        let new = if set { old | bit } else { old & !bit };
        // SAFETY: the callers change only when the guest exits, never where it can reach.
        unsafe { self.current.write(fields::PRIMARY_PROCESSOR_BASED_CONTROLS, new) };
    }

    /// Whether the guest is in ring 0 of 64-bit code: the only place whose VMCALL counts.
    #[must_use]
    pub fn in_ring_0_of_64_bit_code(&self) -> bool {
        in_ring_0_of_64_bit_code()
    }

    /// Steps over the instruction that exited.
    #[inline]
    pub fn step_over(&mut self) {
        step_over_instruction();
    }
}

impl Drop for ActiveVcpu<'_> {
    /// Takes from the CPU what the next guest must not see.
    fn drop(&mut self) {
        self.vector_state.save();
        self.switched.save();
        if let Some((information, error_code, length)) = self.vectoring.take() {
            self.set_entry_event(information, error_code, length);
        }
    }
}
