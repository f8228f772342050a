//! CPUs: the first one, what it offers, and all others.

use super::Refusal;
use boot::command_line::{KernelOptions, Timer};
use boot::firmware::Firmware;
use boot::memory_map::MemoryMap;
use exo_kernel::kernel::Kernel;
use hv::addr::FrameNumber;
use hv::cpu::descriptors::HostSegments;
use hv::cpu::start::{Trampoline, claim_identity};
use hv::cpu::{self, CpuIndex, apic, descriptors, interrupts, legacy_pic, local};
use hv::kernel_space;
use hv::stack::Stack;
use hv::vmx::operation::{self, Machine, Operation, TimerChoice};
use spin::Once;

/// Frames of the stack on which each further CPU runs.
const STACK_FRAMES: u64 = 16;

/// Gives the boot CPU its own tables, interrupts and APIC.
pub fn first_cpu() -> Result<HostSegments, Refusal> {
    cpu::enable_features();
    let segments = descriptors::initialise()?;
    local::initialise(CpuIndex::BOOT, 0);
    interrupts::initialise();
    legacy_pic::silence();
    let apic_id = apic::initialise();
    local::initialise(CpuIndex::BOOT, apic_id);
    Ok(segments)
}

static MACHINE: Once<Machine> = Once::new();

/// Finds out what the CPU offers.
pub fn machine(options: &KernelOptions) -> Result<&'static Machine, Refusal> {
    let timer = match options.timer {
        Timer::Auto => TimerChoice::Auto,
        Timer::Deadline => TimerChoice::Deadline,
        Timer::Preemption => TimerChoice::Preemption,
    };
    if options.dump_capabilities {
        operation::dump_capabilities(|line| log::info!("{line}"));
    }
    let machine = operation::detect(timer)?;
    Ok(MACHINE.call_once(|| machine))
}

/// Enters VMX operation on this CPU.
pub fn operation(machine: &'static Machine, segments: HostSegments) -> Result<Operation<'static>, Refusal> {
    Ok(operation::enter(machine, segments, local::index())?)
}

/// Starts the other CPUs. One that does not start is left out, with a word about it, and so are its environments.
pub fn other_cpus(kernel: &Kernel, firmware: &Option<Firmware>, memory: &MemoryMap) {
    let Some(firmware) = firmware else { return };
    let own = apic::identifier();
    let others = firmware.cpus.iter().map(|cpu| cpu.apic_id).filter(|&id| id != own && apic::can_name(id));
    let wanted = (1..).map_while(CpuIndex::new).take(kernel.cpus().saturating_sub(1)).zip(others);
    let page = memory.trampoline.and_then(FrameNumber::new);
    let Some(page) = page.filter(|&page| kernel_space::map_trampoline(page).is_ok()) else {
        log::error!("no free page below 1 MiB, or no kernel memory to map it: one CPU");
        return wanted.for_each(|(cpu, _)| kernel.without_cpu(cpu));
    };
    // SAFETY: the page is free RAM below 1 MiB (`MemoryMap`), mapped to itself just now; the tables lie in the pool, which
    // lies below 4 GiB (`take_memory`).
    let trampoline = unsafe { Trampoline::new(page, crate::other_cpu_main) };
    for (cpu, apic_id) in wanted {
        let started = Stack::allocate(STACK_FRAMES).map(|stack| trampoline.start(cpu, apic_id, stack));
        match started {
            Ok(Ok(())) => continue,
            Ok(Err(_)) => log::error!("CPU {} (APIC {apic_id}) does not start", cpu.as_u32()),
            Err(_) => log::error!("no kernel memory for CPU {}", cpu.as_u32()),
        }
        kernel.without_cpu(cpu);
    }
}

/// On another CPU: its own tables and VMX operation.
pub fn other_cpu() -> Result<Operation<'static>, Refusal> {
    cpu::enable_features();
    let segments = descriptors::initialise()?;
    interrupts::initialise();
    let cpu = claim_identity();
    let _ = apic::initialise();
    let machine = MACHINE.get().ok_or(Refusal::Order)?;
    Ok(operation::enter(machine, segments, cpu)?)
}
