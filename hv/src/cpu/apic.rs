//! The local APIC: in x2APIC mode where the CPU has it, else through its memory-mapped registers.

use super::interrupts::SPURIOUS_VECTOR;
use super::{cpuid, local, msr};
use crate::addr::HostPhysical;
use crate::physmap;
use core::sync::atomic::{AtomicBool, Ordering};

/// Where the memory-mapped registers are; the kernel never moves them.
pub const REGISTERS: HostPhysical = HostPhysical::new(0xfee0_0000);

const IDENTIFIER: u32 = 0x20;
const TASK_PRIORITY: u32 = 0x80;
const END_OF_INTERRUPT: u32 = 0xb0;
const SPURIOUS: u32 = 0xf0;
const COMMAND_LOW: u32 = 0x300;
const COMMAND_HIGH: u32 = 0x310;
const TIMER: u32 = 0x320;
const LINT0: u32 = 0x350;
const LINT1: u32 = 0x360;
const MASKED: u32 = 1 << 16;
const DELIVERY_PENDING: u32 = 1 << 12;

static X2APIC: AtomicBool = AtomicBool::new(false);

fn read(register: u32) -> u32 {
    if X2APIC.load(Ordering::Relaxed) {
        let value = msr::read(msr::number::X2APIC + register / 16);
        return u32::try_from(value & 0xffff_ffff).unwrap_or(0);
    }
    // SAFETY: the kernel's tables map the APIC's registers, uncached, in the window.
    unsafe { physmap::pointer::<u32>(REGISTERS).byte_add(register as usize).read_volatile() }
}

fn write(register: u32, value: u32) {
    if X2APIC.load(Ordering::Relaxed) {
        // SAFETY: a register of this CPU's own APIC; what is written here only concerns interrupts, which are off.
        return unsafe { msr::write(msr::number::X2APIC + register / 16, value.into()) };
    }
    // SAFETY: as in `read`; what is written here only concerns interrupts, which are off.
    unsafe { physmap::pointer::<u32>(REGISTERS).byte_add(register as usize).write_volatile(value) }
}

/// Switches this CPU's APIC on with everything masked but what the kernel sends itself. Returns its identifier.
pub fn initialise() -> u32 {
    const ENABLE: u64 = 1 << 11;
    const ENABLE_X2APIC: u64 = 1 << 10;
    let x2apic = cpuid(1, 0)[2] & 1 << 21 != 0;
    let base = msr::read(msr::number::APIC_BASE) | ENABLE;
    // SAFETY: the APIC stays at the address that it has; x2APIC mode is entered only where CPUID offers it.
    unsafe {
        msr::write(msr::number::APIC_BASE, base);
        if x2apic {
            msr::write(msr::number::APIC_BASE, base | ENABLE_X2APIC);
        }
    }
    X2APIC.store(x2apic, Ordering::Relaxed);
    write(SPURIOUS, 1 << 8 | u32::from(SPURIOUS_VECTOR));
    write(TASK_PRIORITY, 0);
    for register in [TIMER, LINT0, LINT1] {
        write(register, MASKED);
    }
    identifier()
}

/// The identifier of this CPU's APIC.
#[must_use]
pub fn identifier() -> u32 {
    let value = read(IDENTIFIER);
    if X2APIC.load(Ordering::Relaxed) { value } else { value >> 24 }
}

/// Says that the interrupt in service has been served.
pub fn end_of_interrupt() {
    write(END_OF_INTERRUPT, 0);
}

/// Makes the timer interrupt with this vector at the TSC value that [`set_deadline`] gives.
pub fn use_deadline_timer(vector: u8) {
    const TSC_DEADLINE_MODE: u32 = 0b10 << 17;
    write(TIMER, TSC_DEADLINE_MODE | u32::from(vector));
}

/// Arms the deadline timer: an interrupt as soon as the TSC reaches `deadline`, none where it is 0.
pub fn set_deadline(deadline: u64) {
    // SAFETY: the register only times an interrupt that the kernel expects.
    unsafe { msr::write(msr::number::TSC_DEADLINE, deadline) };
}

/// What an interprocessor interrupt carries (SDM Vol. 3, "Interrupt Command Register").
#[derive(Clone, Copy, Debug)]
pub enum Message {
    /// An interrupt with this vector.
    Interrupt(u8),
    /// A non-maskable interrupt.
    Nmi,
    /// Reset to wait-for-startup.
    Init,
    /// Begin in real mode at this page of the first megabyte.
    Startup(u8),
}

/// Whether the APICs are in x2APIC mode, in which their registers have no address.
#[must_use]
pub fn in_x2apic_mode() -> bool {
    X2APIC.load(Ordering::Relaxed)
}

/// Whether a message can be sent to this identifier: outside x2APIC mode it has eight bits.
#[must_use]
pub fn can_name(apic_id: u32) -> bool {
    X2APIC.load(Ordering::Relaxed) || apic_id < 0xff
}

/// Sends to the CPU whose APIC has this identifier.
pub fn send(apic_id: u32, message: Message) {
    const ASSERT: u32 = 1 << 14;
    let command = ASSERT
        | match message {
            Message::Interrupt(vector) => u32::from(vector),
            Message::Nmi => 0b100 << 8,
            Message::Init => 0b101 << 8,
            Message::Startup(page) => 0b110 << 8 | u32::from(page),
        };
    if X2APIC.load(Ordering::Relaxed) {
        let value = u64::from(apic_id) << 32 | u64::from(command);
        // SAFETY: as in `write`; who receives is another CPU's concern, which expects these messages.
        unsafe { msr::write(msr::number::X2APIC + COMMAND_LOW / 16, value) };
        return;
    }
    write(COMMAND_HIGH, apic_id << 24);
    write(COMMAND_LOW, command);
    while read(COMMAND_LOW) & DELIVERY_PENDING != 0 {
        core::hint::spin_loop();
    }
}

/// Makes the CPU leave its guest, if it is in one.
pub fn kick(cpu: local::CpuIndex) {
    let apic_id = local::of(cpu).apic_id.load(Ordering::Relaxed);
    send(apic_id, Message::Interrupt(super::interrupts::KICK_VECTOR));
}

/// Sends an NMI to every other CPU that runs.
pub fn send_nmi_to_others() {
    let this = local::index();
    let indices = (0..).map_while(local::CpuIndex::new);
    for cpu in indices.filter(|&cpu| cpu != this && local::of(cpu).online.load(Ordering::Relaxed)) {
        send(local::of(cpu).apic_id.load(Ordering::Relaxed), Message::Nmi);
    }
}
