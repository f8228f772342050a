//! A virtual CPU on its CPU: entered, left, and given events.

use super::context::{Context, Counters};
use super::exit::{Event, Left, RawExit};
use super::fields;
use super::operation::Operation;
use super::registers::GuestRegisters;
use super::run::{in_ring_0_of_64_bit_code, step_over_instruction};
use super::switched::Switched;
use super::vmcs::{Current, Failure};
use crate::cpu::tsc;
use crate::cpu::vector_state::VectorState;
use crate::pool::KernelBox;
use crate::shootdown::{SpaceNumber, published_by};
use core::ptr::NonNull;

/// Control was transferred to another vCPU of this CPU, which has exited: it is to be adopted. Nothing else may be loaded before.
#[derive(Debug)]
#[must_use = "the CPU has the state of another vCPU than the run loop believes"]
pub struct Arrived(u64);

impl Arrived {
    pub(super) const fn name(&self) -> u64 {
        self.0
    }
}

/// A virtual CPU on its CPU.
#[derive(Debug)]
pub struct ActiveVcpu<'v> {
    /// Its VMCS.
    pub current: Current<'v>,
    /// Its general registers.
    pub registers: &'v mut GuestRegisters,
    /// Its counters: exits by basic reason, then what its user counts.
    pub counters: &'v mut Counters,
    pub(super) vector_state: &'v mut VectorState,
    pub(super) switched: &'v mut Switched,
    pub(super) operation: &'v Operation<'v>,
    context: NonNull<Context>,
    /// Not to be reached by transfers of control: its user has something to do at its entries.
    held: bool,
    /// What its class says of it, as long as nothing has changed that the class depends on.
    pub(super) published: Option<bool>,
    /// The CPU has another vCPU's state.
    left: bool,
    space: SpaceNumber,
    deadline: u64,
    /// What the preemption timer was set to.
    timer: Option<u32>,
    /// The event whose delivery the last exit interrupted: delivered again unless something else is injected.
    vectoring: Option<(u32, u32, u32)>,
}

impl<'v> ActiveVcpu<'v> {
    pub(super) fn new(
        current: Current<'v>,
        context: &'v mut KernelBox<Context>,
        vector_state: &'v mut VectorState,
        counters: &'v mut Counters,
        operation: &'v Operation<'v>,
        space: SpaceNumber,
    ) -> Self {
        let mut place = NonNull::from(&mut **context);
        // SAFETY: the context is borrowed for as long as this lives, and these two are parts of it that do not overlap; the
        // assembly changes it only between an entry and the exit, when neither is used.
        let (registers, switched) = unsafe {
            let context = place.as_mut();
            (&mut context.registers, &mut context.switched)
        };
        ActiveVcpu {
            current,
            registers,
            counters,
            vector_state,
            switched,
            operation,
            context: place,
            held: false,
            published: None,
            left: false,
            space,
            deadline: u64::MAX,
            timer: None,
            vectoring: None,
        }
    }

    /// Runs the guest until an exit that is the caller's to serve. Null calls are answered and transfers of control made on the way, and
    /// counted. After a transfer the exit is another vCPU's: then this one has nothing more to do with the CPU.
    ///
    /// The slice ends by the APIC's deadline. The preemption timer is set to what is left of the slice, at every such
    /// entry, so that no number of exits makes a slice longer, where it is the only timer, and where the guest has
    /// interrupts off: Bochs 2.7 then lets no interrupt exit until the guest changes its interrupt flag.
    ///
    /// # Errors
    /// [`Failure`] where the CPU refuses to enter for a reason that is not the guest's.
    #[inline]
    pub fn run(&mut self) -> Result<(Left, Option<Arrived>), Failure> {
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
            // The timer begins with the field at every entry (SDM 27.7.4), and no exit changes the field (`controls`).
            if self.timer != Some(value) {
                self.timer = Some(value);
                self.current.write_guest(fields::GUEST_VMX_PREEMPTION_TIMER_VALUE, value);
            }
        }
        if let Some((information, error_code, length)) = self.vectoring.take() {
            self.set_entry_event(information, error_code, length);
        }
        self.publish_class(!self.held);
        let (result, context) = self.current.run(self.context, published_by(self.operation.cpu.as_usize()));
        self.left = context != self.context;
        // SAFETY: the assembly has left a context of this CPU, and no guest runs.
        let name = unsafe { context.as_ref().name };
        let arrived = self.left.then_some(Arrived(name));
        result.map(|left| (left, arrived))
    }

    /// The words of the exit that has just left this vCPU: to be asked for once after each that is not a call, because an event whose
    /// delivery it interrupted is remembered here. A call is an instruction and interrupts no delivery.
    pub fn exit(&mut self) -> RawExit {
        const VALID: u32 = 1 << 31;
        const NOT_UNDEFINED: u32 = !(1 << 12);
        let exit = self.current.raw_exit();
        if exit.idt_vectoring_info & VALID != 0 {
            self.vectoring =
                Some((exit.idt_vectoring_info & NOT_UNDEFINED, exit.idt_vectoring_error, exit.instruction_length));
        }
        exit
    }

    /// Keeps transfers of control from this vCPU, and to it, or no longer.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
    }

    fn publish_class(&mut self, transferable: bool) {
        if self.published == Some(transferable) {
            return;
        }
        self.published = Some(transferable);
        let transferable = transferable && self.operation.machine.deadline_timer && self.switched.debug.is_none();
        // SAFETY: the context is this vCPU's, no guest runs, and what is written is no part of the registers or `switched`.
        unsafe { self.context.as_mut() }.set_transferable(transferable);
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
        const ERROR_CODE: u32 = 1 << 11;
        const SOFTWARE: u32 = 1 << 10; // of the types, those that step over an instruction have it
        // SAFETY: what is injected is the guest's own business; it arrives through the guest's IDT.
        unsafe {
            self.current.write(fields::VM_ENTRY_INTERRUPTION_INFORMATION, information);
            // The CPU looks at the others only where the first says so (SDM 27.2.1.3).
            if information & ERROR_CODE != 0 {
                self.current.write(fields::VM_ENTRY_EXCEPTION_ERROR_CODE, error_code);
            }
            if information & SOFTWARE != 0 {
                self.current.write(fields::VM_ENTRY_INSTRUCTION_LENGTH, length);
            }
        }
    }

    /// Whether the guest would take an interrupt now.
    #[must_use]
    pub fn interruptible(&self) -> bool {
        const INTERRUPT_FLAG: u64 = 1 << 9;
        const BLOCKING_BY_STI_OR_MOV_SS: u32 = 3;
        // An enabled breakpoint, a step, or one in a transaction. The bits that only name breakpoints may stay without any of these, and
        // then nothing is delivered that would clear them.
        const PENDING: u64 = 1 << 12 | 1 << 14 | 1 << 16;
        self.current.read(fields::GUEST_RFLAGS) & INTERRUPT_FLAG != 0
            && self.current.read(fields::GUEST_INTERRUPTIBILITY_STATE) & BLOCKING_BY_STI_OR_MOV_SS == 0
            // It would be lost by an injection (SDM 27.7.3); it comes first.
            && self.current.read(fields::GUEST_PENDING_DEBUG_EXCEPTIONS) & PENDING == 0
            && !self.delivering()
    }

    /// Whether the guest has interrupts on, and steps over no instruction singly.
    fn upcalls_would_come(&self) -> bool {
        const INTERRUPT_FLAG: u64 = 1 << 9;
        const TRAP_FLAG: u64 = 1 << 8;
        self.current.read(fields::GUEST_RFLAGS) & (INTERRUPT_FLAG | TRAP_FLAG) == INTERRUPT_FLAG
            && self.current.read(fields::GUEST_INTERRUPTIBILITY_STATE) == 0
            && self.current.read(fields::GUEST_PENDING_DEBUG_EXCEPTIONS) == 0
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
        if self.left {
            return;
        }
        let plain = !self.held && self.upcalls_would_come() && !self.delivering();
        self.publish_class(plain);
        self.vector_state.save();
        self.switched.save();
        if let Some((information, error_code, length)) = self.vectoring.take() {
            self.set_entry_event(information, error_code, length);
        }
    }
}
