//! Touching memory that the environment does not hold. Guest-physical addresses are the machine's own, so every
//! victim has a name; only the EPT stands before it.

use super::{Case, VIOLATION, Verdict};
use alloc::format;
use core::arch::asm;
use exo_user::abi::boot_page::BootPage;
use exo_user::page_table::{self, Flags};
use exo_user::{cpu, frames, println};

pub const CASES: &[Case] = &[
    Case::new("read-kernel", VIOLATION, |_| read(KERNEL), "reads the kernel's image"),
    Case::new("write-kernel", VIOLATION, |_| write(KERNEL), "writes the kernel's image"),
    Case::new("execute-kernel", VIOLATION, |_| execute(KERNEL), "jumps into the kernel's image"),
    Case::new("read-low-memory", VIOLATION, |_| read(0x1000), "reads the first MiB, where firmware lives"),
    Case::new("read-apic", VIOLATION, |_| read(APIC), "reads the local APIC"),
    Case::new("write-apic", VIOLATION, |_| write(APIC + 0x300), "sends an interrupt through the local APIC"),
    Case::new("read-io-apic", VIOLATION, |_| read(0xfec0_0000), "reads the I/O APIC"),
    Case::new("read-beyond-memory", VIOLATION, |_| read(BEYOND), "reads where no memory is"),
    Case::new("read-reserved-top", VIOLATION, read_top, "reads the reserved GiB at the end of physical space"),
    Case::new("read-neighbour", VIOLATION, |boot| read(after(boot)?), "reads the frame after its own"),
    Case::new("write-neighbour", VIOLATION, |boot| write(after(boot)?), "writes the frame after its own"),
    Case::new("read-before", VIOLATION, |boot| read(before(boot)?), "reads the frame before its own"),
    Case::new("write-counters", VIOLATION, |boot| write(boot.counters_physical), "writes its counters page"),
    Case::new("execute-counters", VIOLATION, |boot| execute(boot.counters_physical), "runs its counters page"),
];

const KERNEL: u64 = 0x20_0000;
const APIC: u64 = 0xfee0_0000;
/// 64 GiB: more than any test machine has, and below every CPU's last physical address.
const BEYOND: u64 = 0x10_0000_0000;
/// Where the guest maps what it is after.
const WINDOW: u64 = 0x1000_1000_0000;

fn open(physical: u64) -> Result<*mut u64, alloc::string::String> {
    // SAFETY: nothing else is mapped here.
    unsafe { page_table::map(WINDOW, physical, Flags::PRESENT | Flags::WRITABLE) }
        .map_err(|error| format!("cannot map {physical:#x}: {error}"))?;
    Ok(frames::pointer(WINDOW + physical % 4096))
}

fn read(physical: u64) -> Verdict {
    let pointer = open(physical)?;
    // SAFETY: the page is mapped; the kernel must stop the access.
    let seen = unsafe { pointer.read_volatile() };
    println!("saw {seen:#x} at {physical:#x}");
    Ok(())
}

fn write(physical: u64) -> Verdict {
    let pointer = open(physical)?;
    // SAFETY: the page is mapped; the kernel must stop the access.
    unsafe { pointer.write_volatile(0x5a5a_5a5a_5a5a_5a5a) };
    println!("wrote to {physical:#x}");
    Ok(())
}

fn execute(physical: u64) -> Verdict {
    let pointer = open(physical)?;
    // SAFETY: the kernel must stop the fetch; whatever is run otherwise is this guest's own misfortune.
    unsafe { asm!("call {}", in(reg) pointer, clobber_abi("C")) };
    println!("ran code at {physical:#x}");
    Ok(())
}

fn read_top(_boot: &'static BootPage) -> Verdict {
    let bits = cpu::cpuid(0x8000_0008, 0).eax & 0xff;
    read((1 << bits) - 0x1000)
}

fn owns(boot: &BootPage, frame: u64) -> bool {
    boot.runs().iter().any(|run| (run.first..run.first + run.count).contains(&frame))
}

fn after(boot: &BootPage) -> Result<u64, alloc::string::String> {
    let mut ends = boot.runs().iter().map(|run| run.first + run.count);
    ends.rfind(|&frame| !owns(boot, frame)).map(|frame| frame * 4096).ok_or("owns no run".into())
}

fn before(boot: &BootPage) -> Result<u64, alloc::string::String> {
    let before = boot.runs().iter().filter_map(|run| run.first.checked_sub(1));
    before.into_iter().find(|&frame| !owns(boot, frame)).map(|frame| frame * 4096).ok_or("owns no run".into())
}
