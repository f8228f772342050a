//! Control registers, the TLB, segment bases and the clock.

use crate::{COUNT, Item, free, repeat};
use core::arch::asm;
use exo_user::cpu::{self, msr};
use exo_user::frames;
use exo_user::page_table::{self, Flags};

pub const ITEMS: &[Item] = &[
    free("cr3-load", cr3_load),
    free("cr2-write", cr2_write),
    free("cr8-write", cr8_write),
    free("cr8-read", cr8_read),
    free("cr0-task-switched", cr0_task_switched),
    free("clts", clts),
    free("cr0-write-protect", || toggle_cr0(1 << 16)),
    free("cr4-global-pages", cr4_global_pages),
    free("invlpg", invlpg),
    free("page-table-edit", page_table_edit),
    free("rdtsc", rdtsc),
    free("swapgs", swapgs),
    free("wrmsr-fs-base", || write_msr(msr::FS_BASE)),
    free("wrmsr-gs-base", || write_msr(msr::GS_BASE)),
    free("wrmsr-kernel-gs-base", || write_msr(msr::KERNEL_GS_BASE)),
    free("rdmsr-fs-base", || repeat(|| _ = cpu::read_msr(msr::FS_BASE))),
];

/// What only some CPUs have.
pub fn optional() -> [Option<Item>; 2] {
    const RDTSCP: u32 = 1 << 27;
    const INVPCID: u32 = 1 << 10;
    [
        (cpu::cpuid(0x8000_0001, 0).edx & RDTSCP != 0).then(|| free("rdtscp", rdtscp)),
        (cpu::cpuid(7, 0).ebx & INVPCID != 0).then(|| free("invpcid", invpcid)),
    ]
}

fn cr3_load() -> u64 {
    // SAFETY: the same tables again.
    repeat(|| unsafe { cpu::write_cr3(cpu::read_cr3()) })
}

fn cr2_write() -> u64 {
    // SAFETY: nobody reads CR2 outside a page fault, which sets it.
    (1..=COUNT).map(|value| unsafe { cpu::write_cr2(value << 12) }).filter(|()| cpu::read_cr2() != 0).count() as u64
}

fn cr8_write() -> u64 {
    let mut value = 0;
    repeat(|| {
        value = (value + 1) % 16;
        // SAFETY: interrupts are off; the priority changes nothing.
        unsafe { cpu::write_cr8(value) };
    })
}

fn cr8_read() -> u64 {
    // SAFETY: as above.
    unsafe { cpu::write_cr8(5) };
    let seen = (0..COUNT).filter(|_| cpu::read_cr8() == 5).count() as u64;
    // SAFETY: as above.
    unsafe { cpu::write_cr8(0) };
    seen
}

fn toggle_cr0(bit: u64) -> u64 {
    let before = cpu::read_cr0();
    let count = (0..COUNT).filter(|_| {
        let wanted = cpu::read_cr0() ^ bit;
        // SAFETY: neither write protection nor the trap on vector instructions matters to this guest's code.
        unsafe { cpu::write_cr0(wanted) };
        cpu::read_cr0() == wanted
    });
    let count = count.count() as u64;
    // SAFETY: as it was.
    unsafe { cpu::write_cr0(before) };
    count
}

fn cr0_task_switched() -> u64 {
    toggle_cr0(1 << 3)
}

fn clts() -> u64 {
    repeat(cpu::clear_task_switched)
}

fn cr4_global_pages() -> u64 {
    const GLOBAL_PAGES: u64 = 1 << 7;
    // SAFETY: the bit only changes what the TLB keeps; an even count leaves it as it was.
    repeat(|| unsafe { cpu::write_cr4(cpu::read_cr4() ^ GLOBAL_PAGES) })
}

fn invlpg() -> u64 {
    repeat(|| cpu::invalidate_page(0x1000_0004_0000))
}

/// Points one page at two frames in turn and looks which one it is.
fn page_table_edit() -> u64 {
    const PAGE: u64 = 0x1000_0006_0000;
    let (Some(mut first), Some(mut second)) = (frames::allocate(), frames::allocate()) else { return 0 };
    first.bytes()[0] = 0;
    second.bytes()[0] = 1;
    let seen = (0..COUNT).filter(|number| {
        let frame = if number % 2 == 0 { &first } else { &second };
        // SAFETY: the page is in the test area; both frames outlive it.
        let mapped = unsafe { page_table::map(PAGE, frame.physical(), Flags::PRESENT) };
        let pointer = frames::pointer::<u8>(PAGE);
        // SAFETY: just mapped.
        mapped.is_ok() && u64::from(unsafe { pointer.read_volatile() }) == number % 2
    });
    let seen = seen.count() as u64;
    // SAFETY: nobody uses the page.
    unsafe { page_table::unmap(PAGE) };
    seen
}

fn rdtsc() -> u64 {
    repeat(|| _ = cpu::read_tsc())
}

fn rdtscp() -> u64 {
    // SAFETY: reads a counter.
    repeat(|| unsafe { asm!("rdtscp", out("rax") _, out("rcx") _, out("rdx") _, options(nomem, nostack)) })
}

fn invpcid() -> u64 {
    const EVERYTHING: u64 = 2;
    let descriptor = [0_u64; 2];
    // SAFETY: forgets translations only.
    repeat(|| unsafe { asm!("invpcid {}, [{}]", in(reg) EVERYTHING, in(reg) &descriptor, options(nostack)) })
}

fn swapgs() -> u64 {
    // SAFETY: nothing uses GS; an even count leaves the bases as they were.
    repeat(|| unsafe { cpu::swap_gs() })
}

fn write_msr(number: u32) -> u64 {
    // SAFETY: nothing uses FS or GS.
    repeat(|| unsafe { cpu::write_msr(number, 0x1000) })
}
