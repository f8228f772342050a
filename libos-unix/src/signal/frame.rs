//! What a handler finds on its stack, and what it returns through: struct rt_sigframe
//! (Linux, `arch/x86/include/asm/sigframe.h`, `arch/x86/include/uapi/asm/sigcontext.h`).

use super::{Action, ActionFlags, Information, SignalSet};
use crate::errno::{Errno, Result};
use crate::machine::{self, Registers, USER_CODE, USER_DATA};
use crate::memory::{USER_END, UserMemory};
use crate::process::{AlternateStack, Thread};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

/// struct stack_t.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub struct StackDescription {
    /// Its lowest address.
    pub start: u64,
    /// SS_ONSTACK 1, SS_DISABLE 2, SS_AUTODISARM the highest bit.
    pub flags: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// SS_ONSTACK.
pub const ON_STACK: u64 = 1;
/// SS_DISABLE.
pub const DISABLED: u64 = 2;
/// SS_AUTODISARM.
pub const DISARMS: u64 = 1 << 31;

impl StackDescription {
    /// What sigaltstack(2) says of a thread's.
    #[must_use]
    pub const fn of(stack: &AlternateStack, rsp: u64) -> Self {
        let mut flags = if stack.bytes == 0 {
            DISABLED
        } else if stack.holds(rsp) {
            ON_STACK
        } else {
            0
        };
        if stack.disarms {
            flags |= DISARMS;
        }
        Self { start: stack.start, flags, bytes: stack.bytes }
    }
}

/// struct sigcontext.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct SignalContext {
    /// r8 to r15.
    upper: [u64; 8],
    rdi: u64,
    rsi: u64,
    rbp: u64,
    rbx: u64,
    rdx: u64,
    rax: u64,
    rcx: u64,
    rsp: u64,
    rip: u64,
    rflags: u64,
    cs: u16,
    gs: u16,
    fs: u16,
    ss: u16,
    error_code: u64,
    vector: u64,
    old_mask: u64,
    cr2: u64,
    vector_state: u64,
    reserved: [u64; 8],
}

/// struct rt_sigframe.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Frame {
    restorer: u64,
    returned: Returned,
    information: [u8; 128],
}

/// What of it is taken back: struct ucontext.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Returned {
    flags: u64,
    link: u64,
    stack: StackDescription,
    context: SignalContext,
    mask: u64,
}

const _: () = assert!(size_of::<SignalContext>() == 256 && size_of::<Frame>() == 440);

/// UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS.
const FLAGS: u64 = 7;
/// Below its stack pointer a program may use so much.
const RED_ZONE: u64 = 128;
/// Flags that a program may have (SDM Vol. 1, 3.4.3): CF PF AF ZF SF TF DF OF NT RF AC ID.
const PROGRAM_FLAGS: u64 = 0x0025_4dd5;
/// What is always on: bit 1, and interrupts.
const FIXED_FLAGS: u64 = 0x202;
/// Off in a handler: TF, DF, RF.
const HANDLER_FLAGS_OFF: u64 = 0x1_0500;

/// Has a thread with these registers run a handler; `before` is the mask that returning brings back.
///
/// # Errors
/// EFAULT where its stack cannot be written; the registers are as they were.
pub fn push_frame(
    thread: &Thread,
    registers: &mut Registers,
    information: &Information,
    action: &Action,
    handler: u64,
    before: SignalSet,
) -> Result<()> {
    let alternate = thread.alternate_stack.get();
    let switches =
        action.flags.contains(ActionFlags::ONSTACK) && alternate.bytes != 0 && !alternate.holds(registers.rsp);
    let top =
        if switches { alternate.start.wrapping_add(alternate.bytes) } else { registers.rsp.wrapping_sub(RED_ZONE) };
    machine::save(&thread.context);
    let state_at = top.wrapping_sub(machine::vector_state_bytes()) & !63;
    let at = (state_at.wrapping_sub(size_of::<Frame>() as u64) & !15).wrapping_sub(8);
    if switches && at < alternate.start {
        return Err(Errno::EFAULT);
    }
    let returned = Returned {
        flags: FLAGS,
        link: 0,
        stack: StackDescription::of(&alternate, registers.rsp),
        context: SignalContext { vector_state: state_at, ..context_of(thread, registers, before) },
        mask: before.0,
    };
    let frame = Frame { restorer: action.restorer, returned, information: information.encode() };
    {
        let space = thread.space.borrow();
        let mut space = space.borrow_mut();
        thread.context.write_vector_state(&mut *space, state_at)?;
        space.write_bytes(at, frame.as_bytes())?;
    }
    if alternate.disarms && switches {
        thread.alternate_stack.set(AlternateStack::default());
    }
    registers.rdi = information.signal.number().into();
    registers.rsi = at + core::mem::offset_of!(Frame, information) as u64;
    registers.rdx = at + core::mem::offset_of!(Frame, returned) as u64;
    registers.rax = 0;
    registers.rsp = at;
    // Where there is no such address the program faults at its first instruction, as if there was.
    registers.rip = handler.min(USER_END);
    registers.rflags &= !HANDLER_FLAGS_OFF;
    (registers.cs, registers.ss) = (USER_CODE, USER_DATA);
    machine::clear_vectors(&thread.context);
    Ok(())
}

fn context_of(thread: &Thread, registers: &Registers, before: SignalSet) -> SignalContext {
    let [vector, error_code, cr2] = thread.fault.get();
    let r = registers;
    SignalContext {
        upper: [r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15],
        rdi: r.rdi,
        rsi: r.rsi,
        rbp: r.rbp,
        rbx: r.rbx,
        rdx: r.rdx,
        rax: r.rax,
        rcx: r.rcx,
        rsp: r.rsp,
        rip: r.rip,
        rflags: r.rflags,
        cs: USER_CODE as u16,
        ss: USER_DATA as u16,
        error_code,
        vector,
        old_mask: before.0,
        cr2,
        ..SignalContext::default()
    }
}

/// What a handler's return leads to.
///
/// # Errors
/// EFAULT where there is no such frame, or not one that can be gone on with.
pub fn pop_frame(thread: &Thread) -> Result<()> {
    let mut registers = thread.context.registers();
    // Its return has taken the first word.
    let at = registers.rsp;
    let space = thread.space.borrow();
    let mut space = space.borrow_mut();
    let mut frame = Returned::new_zeroed();
    space.read_bytes(at, frame.as_mut_bytes())?;
    let context = &frame.context;
    if context.rip >= USER_END {
        return Err(Errno::EFAULT);
    }
    if context.vector_state == 0 {
        machine::clear_vectors(&thread.context);
    } else {
        thread.context.read_vector_state(&mut *space, context.vector_state)?;
        machine::restore(&thread.context);
    }
    let r = &mut registers;
    [r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15] = context.upper;
    (r.rdi, r.rsi, r.rbp, r.rbx, r.rdx) = (context.rdi, context.rsi, context.rbp, context.rbx, context.rdx);
    (r.rax, r.rcx, r.rsp, r.rip) = (context.rax, context.rcx, context.rsp, context.rip);
    r.rflags = context.rflags & PROGRAM_FLAGS | FIXED_FLAGS;
    (r.cs, r.ss) = (USER_CODE, USER_DATA);
    thread.context.set_registers(&registers);
    thread.mask.set(SignalSet(frame.mask) & !SignalSet::UNSTOPPABLE);
    restore_stack(thread, &frame.stack, registers.rsp);
    Ok(())
}

/// The alternate stack is what it was before the handler, unless that is on it now.
fn restore_stack(thread: &Thread, stack: &StackDescription, rsp: u64) {
    if thread.alternate_stack.get().holds(rsp) {
        return;
    }
    let disarms = stack.flags & DISARMS != 0;
    let bytes = if stack.flags & DISABLED != 0 { 0 } else { stack.bytes };
    thread.alternate_stack.set(AlternateStack { start: stack.start, bytes, disarms });
}
