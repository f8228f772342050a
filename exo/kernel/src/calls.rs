//! Calls: from the caller's registers to the state machine, and what comes of it.

use crate::exits::Next;
use crate::kernel::Kernel;
use crate::report::End;
use crate::resident::State;
use core::sync::atomic::Ordering;
use exo_core::gates::{Mail, Message};
use exo_core::{Effect, dispatch};
use hv::vmx::active::ActiveVcpu;
use hv::vmx::exit::Event;
use hv::vmx::operation::Operation;
use hv::vmx::registers::GuestRegisters;

/// Serves a call.
pub(crate) fn call(kernel: &Kernel, operation: &Operation<'_>, active: &mut ActiveVcpu<'_>, state: &mut State) -> Next {
    if !active.in_ring_0_of_64_bit_code() {
        state.inject(active, Event::invalid_opcode());
        return Next::Resume;
    }
    let r = &active.registers;
    let arguments = [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9];
    let request = r.rax;
    let answer = kernel.with_registers(operation.cpu, Some(r), |core, services| {
        dispatch(core, services, (state.id, state.vcpu), request, arguments)
    });
    // Stopped while it waited for the lock: the instruction is executed when it is started again, or never.
    let Some((reply, effect)) = answer else {
        kernel.attention(operation.cpu).store(true, Ordering::SeqCst);
        return Next::Resume;
    };
    active.registers.rax = reply.status;
    active.registers.rdx = reply.value;
    active.step_over();
    if effect == Effect::None { Next::Resume } else { after_call(kernel, operation, active, state, effect) }
}

/// What a call has beside its reply.
#[cold]
fn after_call(
    kernel: &Kernel,
    operation: &Operation<'_>,
    active: &mut ActiveVcpu<'_>,
    state: &mut State,
    effect: Effect,
) -> Next {
    match effect {
        Effect::None => Next::Resume,
        Effect::Reschedule => {
            kernel.attention(operation.cpu).store(true, Ordering::SeqCst);
            Next::Resume
        }
        Effect::YieldSlice => Next::Yield,
        Effect::YieldTo { environment, vcpu } => Next::YieldTo(environment, vcpu),
        Effect::TransferTo { environment, vcpu } => Next::TransferTo(environment, vcpu),
        Effect::CallLimit { limited } => {
            state.limited = limited;
            Next::Resume
        }
        Effect::FaultDelivery { on } => {
            state.set_fault_delivery(active, on);
            Next::Resume
        }
        Effect::LastResort { instruction, stack } => {
            state.set_last_resort(instruction, stack);
            Next::Resume
        }
        Effect::EndEnvironment { status } => Next::End(End::Exited(status)),
    }
}

/// The registers that are the message of a call through a gate.
pub(crate) fn message(r: &GuestRegisters) -> Message {
    [r.rcx, r.rdx, r.rbx, r.rbp, r.rsi, r.rdi, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15]
}

/// Puts what has come for a virtual CPU into its registers.
pub(crate) fn put(registers: &mut GuestRegisters, mail: &Mail) {
    let rax = mail.word;
    *registers = match mail.message {
        None => GuestRegisters { rax, rdx: 0, ..*registers },
        Some([rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15]) => {
            GuestRegisters { rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 }
        }
    };
}
