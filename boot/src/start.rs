//! The steps of booting, each with the reason for which it may refuse.

mod cpus;
mod modules;
mod refusal;

pub use cpus::{first_cpu, machine, operation, other_cpu, other_cpus};
pub use modules::{load, modules};
pub use refusal::{Refusal, finish_failed, refuse, refuse_cpu};

use boot::boot_data::{BootData, Range};
use boot::command_line::{self, Finish, KernelOptions, Output};
use boot::firmware::{Firmware, PowerTimerPlace};
use boot::memory_map::{Division, MemoryMap};
use exo_kernel::kernel::{Configuration, Kernel, KernelError};
use hv::addr::{FRAME_SIZE, FrameNumber, HostPhysical, HostVirtual};
use hv::cpu::{self, apic, calendar, interrupts, io_apic, time};
use hv::guest_memory::GuestMemory;
use hv::kernel_space::{self, Section, SectionKind};
use hv::physmap::{self, usize_of};
use hv::vmx::operation::Machine;
use hv::{backtrace, output, pool};

const MULTIBOOT2_MAGIC: u64 = 0x36d7_6289;
/// The boot code's tables map so much; the boot loader puts everything below.
const BOOT_MAPPED: u64 = 1 << 32;
/// The longest boot information that is believed.
const INFORMATION_LIMIT: u64 = 1 << 20;

unsafe extern "C" {
    static kernel_load_start: u8;
    static kernel_load_end: u8;
    static kernel_text_start: u8;
    static kernel_text_end: u8;
    static kernel_rodata_start: u8;
    static kernel_rodata_end: u8;
    static kernel_data_start: u8;
    static kernel_data_end: u8;
    static kernel_stack_guard: u8;
    static kernel_stack_bottom: u8;
}

/// Physical memory as bytes.
///
/// # Safety
/// The range is RAM that is mapped in the window and that nobody writes while the slice is in use.
unsafe fn bytes(range: Range) -> &'static [u8] {
    let pointer = physmap::pointer::<u8>(HostPhysical::new(range.start));
    // SAFETY: the caller vouches for the range.
    unsafe { core::slice::from_raw_parts(pointer, usize_of(range.length())) }
}

/// The boot loader's information, unchecked.
pub fn information(magic: u64, address: u64) -> Result<(&'static [u8], u64), Refusal> {
    if magic != MULTIBOOT2_MAGIC {
        return Err(Refusal::NotMultiboot2(magic));
    }
    let limit = BOOT_MAPPED.saturating_sub(address).min(INFORMATION_LIMIT);
    let range = Range::of(address, limit).ok_or(Refusal::NotMultiboot2(magic))?;
    // SAFETY: EBX comes from a boot loader that showed the magic number and lies below 4 GiB, which the boot code's tables
    // map; the information keeps its memory until the machine stops (`memory`).
    Ok((unsafe { bytes(range) }, address))
}

/// Reads the kernel's command line and does at once what concerns output, so that everything after can complain.
pub fn options((information, _): (&'static [u8], u64)) -> Result<KernelOptions, Refusal> {
    let (options, result) = command_line::read_kernel(BootData::command_line_in(information));
    output::initialise(match options.output {
        Output::Com1 => output::Sink::Com1,
        Output::E9 => output::Sink::DebugPort,
    });
    refusal::set_finish(match options.finish {
        Finish::Halt => output::Finish::Halt,
        Finish::Bochs => output::Finish::Bochs,
        Finish::Qemu => output::Finish::Qemu,
    });
    log::info!("Ravelin {} of {} bytes", env!("CARGO_PKG_VERSION"), image().length());
    result?;
    Ok(options)
}

/// Checks what the boot loader hands over.
pub fn boot_data((information, address): (&'static [u8], u64)) -> Result<BootData<'static>, Refusal> {
    let data = BootData::parse(information, address)?;
    if let Some(symbols) = data.symbols {
        let place = |range: Range| (HostPhysical::new(range.start), range.length());
        let symbols = backtrace::Symbols { table: place(symbols.table), strings: place(symbols.strings) };
        // SAFETY: `parse` has found both ranges in available memory, and `memory` keeps them from any other use.
        unsafe { backtrace::initialise(symbols) };
    }
    Ok(data)
}

fn image() -> Range {
    Range { start: (&raw const kernel_load_start).addr() as u64, end: (&raw const kernel_load_end).addr() as u64 }
}

/// Finds the free memory.
pub fn memory(data: &BootData<'_>) -> Result<MemoryMap, Refusal> {
    Ok(MemoryMap::new(&data.memory, data.occupied().chain([image()]))?)
}

/// Divides the memory, fills the kernel's pool and moves to the kernel's own page tables.
pub fn take_memory(data: &BootData<'_>, memory: &MemoryMap) -> Result<Division, Refusal> {
    let division = memory.divide()?;
    let pool = (division.pool.first, division.pool.count);
    if (pool.0 + pool.1) * FRAME_SIZE > BOOT_MAPPED {
        return Err(Refusal::PoolTooHigh);
    }
    let first = FrameNumber::new(pool.0).ok_or(Refusal::PoolTooHigh)?;
    let section = |start: *const u8, end: *const u8, kind| Section {
        start: HostVirtual::new(start.addr() as u64),
        end: HostVirtual::new(end.addr() as u64),
        physical: physmap::physical_of(start),
        kind,
    };
    let sections = [
        section(&raw const kernel_text_start, &raw const kernel_text_end, SectionKind::Code),
        section(&raw const kernel_rodata_start, &raw const kernel_rodata_end, SectionKind::Constants),
        section(&raw const kernel_data_start, &raw const kernel_stack_guard, SectionKind::Data),
        section(&raw const kernel_stack_bottom, &raw const kernel_data_end, SectionKind::Data),
    ];
    let firmware_end = data.memory.iter().map(|entry| entry.range.end).filter(|&end| end <= BOOT_MAPPED).max();
    let end = (memory.frame_limit * FRAME_SIZE).max(firmware_end.unwrap_or(0));
    // SAFETY: 1. the pool's frames are free RAM (`MemoryMap`) below 4 GiB, so mapped; 2. the sections are the linker's, and the
    // page left out is the guard below this stack; 3. the new tables map code, data, stack and window where they are.
    unsafe {
        pool::initialise(first, pool.1);
        let root = kernel_space::build(&sections, HostPhysical::new(end))?;
        cpu::load_page_table(root);
    }
    let environments: u64 = division.environments.iter().map(|run| run.count).sum();
    log::info!("memory: {} MiB for environments, {} MiB for the kernel", environments / 256, pool.1 / 256);
    Ok(division)
}

/// Reads the firmware's tables. A machine without usable ones has one CPU.
pub fn firmware(data: &BootData<'_>, memory: &MemoryMap) -> Result<Option<Firmware>, Refusal> {
    let Some(root) = &data.root_pointer else {
        log::info!("no ACPI tables: one CPU");
        return Ok(None);
    };
    let end = (memory.frame_limit * FRAME_SIZE).max(1 << 20);
    let mapped = data.memory.iter().map(|entry| entry.range).filter(|range| range.end <= BOOT_MAPPED.max(end));
    let map = |address: u64, length: usize| {
        let wanted = Range::of(address, length as u64)?;
        let inside = mapped.clone().any(|range| range.contains(&wanted)) || wanted.end <= 1 << 20;
        // SAFETY: the range is memory that the firmware's map names and the window maps (`take_memory`), and the tables
        // are not written after boot.
        inside.then(|| unsafe { bytes(wanted) })
    };
    match Firmware::read(root, map) {
        Ok(firmware) if firmware.local_apic != apic::REGISTERS.as_u64() && !apic::in_x2apic_mode() => {
            Err(Refusal::LocalApic(firmware.local_apic))
        }
        Ok(firmware) => {
            if firmware.unlisted_cpus != 0 {
                log::info!("{} CPUs beyond the first {} are left alone", firmware.unlisted_cpus, firmware.cpus.len());
            }
            Ok(Some(firmware))
        }
        Err(error) => {
            log::info!("unusable ACPI tables, so one CPU: {error}");
            Ok(None)
        }
    }
}

/// The TSC's frequency by the power-management timer, where the firmware names a port for it.
fn power_timer(firmware: &Option<Firmware>) -> Option<u64> {
    match firmware.as_ref()?.power_timer?.place {
        PowerTimerPlace::Port(port) => time::calibrate_by_power_timer(port),
        PowerTimerPlace::Memory(_) => None,
    }
}

/// Has the serial port interrupt this CPU when something is typed; `false` where the firmware names no way for that, and the kernel has to
/// look.
pub fn input(firmware: &Option<Firmware>) -> bool {
    let Some(firmware) = firmware else { return false };
    let serial = firmware.serial;
    let first = firmware.io_apics.iter().find(|one| one.address == io_apic::REGISTERS.as_u64()).map(|one| one.first);
    let Some(input) = first.and_then(|first| serial.input.checked_sub(first)) else { return false };
    // As on the ISA bus, or not at all.
    if serial.level || serial.active_low {
        return false;
    }
    // SAFETY: the firmware names an I/O APIC there.
    let routed = unsafe { io_apic::route(input, interrupts::INPUT_VECTOR, apic::identifier()) };
    if routed {
        output::interrupt_on_input();
    }
    routed
}

/// Seconds from 1970 to the moment at which the TSC was 0.
fn began(tsc_hertz: u64) -> Option<u64> {
    let running = cpu::tsc().checked_div(tsc_hertz)?;
    calendar::seconds_since_1970()?.checked_sub(running)
}

/// Makes the exokernel.
pub fn kernel(
    options: &KernelOptions,
    machine: &'static Machine,
    division: Division,
    firmware: &Option<Firmware>,
    memory: &MemoryMap,
    input_interrupts: bool,
) -> Result<&'static Kernel, Refusal> {
    let tsc_hertz = time::calibrate().or_else(|| power_timer(firmware)).unwrap_or(0);
    let ticks = |microseconds: u32| (tsc_hertz.max(1_000_000) / 1_000_000).saturating_mul(microseconds.into());
    let slice_ticks = ticks(options.slice_us);
    let listed = firmware.as_ref().map_or(1, |firmware| firmware.cpus.len());
    let cpus = options.cpus.map_or(listed, |most| listed.min(most as usize));
    log::info!("{cpus} CPU(s), TSC at {tsc_hertz} Hz, slices of {slice_ticks} ticks");
    let runs = || {
        let frame = |run: &exo_abi::boot_page::FrameRun| Some((FrameNumber::new(run.first)?, run.count));
        division.environments.iter().filter_map(frame)
    };
    // SAFETY: these runs are free RAM (`MemoryMap`) that the window maps, and the pool is not among them.
    let guest_memory = unsafe { GuestMemory::new(memory.frame_limit, runs()) };
    let guest_memory = guest_memory.ok_or(KernelError::NoFrameTable { frames: memory.frame_limit })?;
    let configuration = Configuration {
        tsc_hertz,
        began: began(tsc_hertz).unwrap_or(0),
        slice_ticks,
        grace_ticks: options.grace_us.map_or(slice_ticks / 8, ticks),
        cpus,
        finish: refusal::finish_choice(),
        trace: options.trace,
        frame_limit: memory.frame_limit,
        input_interrupts,
    };
    Ok(Kernel::create(configuration, machine, guest_memory, runs())?)
}
