//! What the kernel does at an exit that reaches the run loop: every one but the null call's.

use crate::cpuid;
use crate::kernel::Kernel;
use crate::report::{End, Reason};
use crate::resident::State;
use exo_core::EnvironmentId;
use hv::cpu::apic;
use hv::cpu::interrupts::{self, INPUT_VECTOR, SPURIOUS_VECTOR};
use hv::vmx::active::{ActiveVcpu, Arrived};
use hv::vmx::emulate::GeneralProtection;
use hv::vmx::entry_check;
use hv::vmx::exit::{CrAccess, EntryFailure, Event, EventKind, Exit, Left, RawExit, decode};
use hv::vmx::fields;
use hv::vmx::operation::Operation;

/// How the run loop goes on.
#[derive(Debug)]
pub(crate) enum Next {
    /// Enter the guest again.
    Resume,
    /// The machine interrupted; the slice may be over.
    SliceOver,
    /// The environment gave up the rest of its slice.
    Yield,
    /// The rest of the slice goes to this virtual CPU.
    YieldTo(EnvironmentId, usize),
    /// The same by a call through a gate or a reply.
    TransferTo(EnvironmentId, usize),
    /// Control went to another virtual CPU without the run loop, and that one has exited.
    Moved(Arrived, Left),
    /// The environment waits for its next slice, and sleeps for the rest of this one.
    Sleep,
    /// The environment has ended.
    End(End),
}

const KILLED: fn(Reason) -> Next = |reason| Next::End(End::Killed(reason));

/// Serves an exit that is not a call. Only the environment that caused it can be harmed by it.
pub(crate) fn handle(
    kernel: &Kernel,
    operation: &Operation<'_>,
    active: &mut ActiveVcpu<'_>,
    state: &mut State,
    raw: &RawExit,
) -> Next {
    match decode(raw) {
        Exit::ExternalInterrupt { vector } => {
            if vector != SPURIOUS_VECTOR {
                apic::end_of_interrupt();
            }
            if vector == INPUT_VECTOR {
                kernel.look_at_input(operation.cpu);
            }
            Next::SliceOver
        }
        Exit::PreemptionTimer => Next::SliceOver,
        // The run loop offers the upcall before the next entry.
        Exit::InterruptWindow => Next::Resume,
        Exit::ExceptionOrNmi(event) => exception(active, state, raw, event),
        Exit::Cpuid => {
            cpuid::emulate(&operation.machine.features, active, state.id);
            active.step_over();
            Next::Resume
        }
        Exit::Hlt => halt(active, state),
        Exit::CrAccess(access) => {
            let result = control_register(active, access);
            emulated(active, state, result)
        }
        Exit::DrAccess(_) => {
            active.use_debug_registers();
            Next::Resume
        }
        Exit::Rdmsr => {
            let result = active.read_msr(low(active.registers.rcx)).map(|value| {
                active.registers.rax = low(value).into();
                active.registers.rdx = value >> 32;
            });
            emulated(active, state, result)
        }
        Exit::Wrmsr => {
            let value = joined(active.registers.rdx, active.registers.rax);
            let result = active.write_msr(low(active.registers.rcx), value);
            emulated(active, state, result)
        }
        Exit::Xsetbv => {
            let value = joined(active.registers.rdx, active.registers.rax);
            let result = active.xsetbv(low(active.registers.rcx), value);
            emulated(active, state, result)
        }
        // Caches are coherent and the guest has no device: writing them back would only cost the others time.
        Exit::Wbinvd | Exit::Invd => {
            active.step_over();
            Next::Resume
        }
        Exit::Io { .. } | Exit::Rdpmc => emulated(active, state, Err(GeneralProtection)),
        // ENCLS, ENCLV, SEAMCALL and TDCALL: of features that guests are not told of.
        Exit::Unknown(60 | 70 | 76 | 77) => {
            state.inject(active, Event::invalid_opcode());
            Next::Resume
        }
        Exit::Vmx(_) | Exit::Monitor | Exit::Mwait | Exit::Getsec | Exit::Rsm => {
            state.inject(active, Event::invalid_opcode());
            Next::Resume
        }
        Exit::EptViolation(_) if state.reflect_fault(active, raw) => Next::Resume,
        Exit::EptViolation(violation) => KILLED(Reason::EptViolation {
            at: violation.guest_physical,
            linear: violation.linear,
            access: match (violation.write, violation.execute) {
                (true, _) => "write",
                (_, true) => "execute",
                _ => "read",
            },
        }),
        Exit::TripleFault => KILLED(Reason::TripleFault),
        Exit::EntryFailure(EntryFailure::MachineCheck) => {
            interrupts::end_machine_check();
            KILLED(Reason::EntryFailed { rule: "a machine check during VM entry" })
        }
        Exit::EntryFailure(_) => KILLED(Reason::EntryFailed { rule: broken_rule(active, operation) }),
        _ => KILLED(Reason::Unexpected { reason: raw.basic_reason() }),
    }
}

/// The first rule of VM entry that this VMCS breaks, as far as the checker knows them.
pub(crate) fn broken_rule(active: &ActiveVcpu<'_>, operation: &Operation<'_>) -> &'static str {
    let mut first = None;
    entry_check::check(&|encoding| active.current.read_raw(encoding), &operation.machine.msrs, |violation| {
        first = first.or(Some(violation.name));
    });
    first.unwrap_or("no rule that the checker knows is broken")
}

fn low(value: u64) -> u32 {
    u32::try_from(value & u64::from(u32::MAX)).unwrap_or(0)
}

fn joined(high: u64, low: u64) -> u64 {
    high << 32 | low & u64::from(u32::MAX)
}

fn emulated(active: &mut ActiveVcpu<'_>, state: &mut State, result: Result<(), GeneralProtection>) -> Next {
    match result {
        Ok(()) => active.step_over(),
        Err(GeneralProtection) => state.inject(active, Event::general_protection()),
    }
    Next::Resume
}

fn exception(active: &mut ActiveVcpu<'_>, state: &mut State, raw: &RawExit, event: Event) -> Next {
    const DEBUG: u8 = 1;
    const MACHINE_CHECK: u8 = 18;
    if event.kind == EventKind::Nmi {
        active.end_nmi();
        interrupts::serve_nmi();
        return Next::SliceOver;
    }
    match event.vector {
        // The host's, not the guest's; the machine-check banks keep it.
        MACHINE_CHECK => {
            log::error!("machine check while {} ran", state.id);
            interrupts::end_machine_check();
            return Next::Resume;
        }
        DEBUG => active.merge_debug_status(raw.qualification),
        _ => {}
    }
    // #DB and #AC: delivered from here, where the time is looked at. The timer's interrupt alone would not do: a #DB trap that the
    // delivery itself raises comes before it, for ever (SDM Vol. 3, 6.9).
    state.inject(active, event);
    Next::SliceOver
}

fn halt(active: &mut ActiveVcpu<'_>, state: &State) -> Next {
    const INTERRUPT_FLAG: u64 = 1 << 9;
    if active.current.read(fields::GUEST_RFLAGS) & INTERRUPT_FLAG == 0 {
        return KILLED(Reason::HaltedForEver);
    }
    active.step_over();
    // As on a machine of its own: an interrupt that waited for STI ends the halt that follows.
    if state.upcall_is_due() { Next::Resume } else { Next::Sleep }
}

fn control_register(active: &mut ActiveVcpu<'_>, access: CrAccess) -> Result<(), GeneralProtection> {
    match access {
        CrAccess::MovToCr { cr: 0, register } => active.write_cr0(active.register(register)),
        // Only where the environment's loads are counted.
        CrAccess::MovToCr { cr: 3, register } => active.write_cr3(active.register(register)),
        CrAccess::MovToCr { cr: 4, register } => active.write_cr4(active.register(register)),
        CrAccess::Lmsw { source, .. } => active.load_machine_status_word(source),
        _ => Err(GeneralProtection),
    }
}
