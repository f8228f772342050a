//! Starting the other CPUs: INIT, STARTUP, and a page of the first megabyte from which they reach 64-bit mode.

use super::apic::{self, Message};
use super::local::{self, CpuIndex};
use super::time::wait_microseconds;
use crate::addr::FrameNumber;
use crate::physmap;
use crate::stack::Stack;
use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

unsafe extern "C" {
    static ap_trampoline: u8;
    static ap_trampoline_end: u8;
    static ap_trampoline_root: u8;
    static ap_trampoline_stack: u8;
    static ap_trampoline_entry: u8;
}

// The page runs at a physical address of its own below 1 MiB: CS:0 is its beginning in real mode, and EBX holds its
// address afterwards. AT&T syntax, since the other one knows no differences of symbols as displacements.
global_asm!(
    r#"
    .section .rodata.ap_trampoline, "a"
    .code16
    .global ap_trampoline, ap_trampoline_end, ap_trampoline_root, ap_trampoline_stack, ap_trampoline_entry
ap_trampoline:
    cli
    cld
    xorl %ebx, %ebx
    movw %cs, %bx
    movw %bx, %ds
    shll $4, %ebx
    /* The GDT and the far pointers need this page's address. */
    movl $(ap_gdt - ap_trampoline), %eax
    addl %ebx, %eax
    movl %eax, (ap_gdt_pointer - ap_trampoline + 2)
    movl $(ap_protected - ap_trampoline), %eax
    addl %ebx, %eax
    movl %eax, (ap_protected_pointer - ap_trampoline)
    movl $(ap_long - ap_trampoline), %eax
    addl %ebx, %eax
    movl %eax, (ap_long_pointer - ap_trampoline)
    lgdtl (ap_gdt_pointer - ap_trampoline)
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl *(ap_protected_pointer - ap_trampoline)

    .code32
ap_protected:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl %cr4, %eax
    orl $0x20, %eax                     /* PAE */
    movl %eax, %cr4
    movl (ap_trampoline_root - ap_trampoline)(%ebx), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx              /* EFER: LME and NXE */
    rdmsr
    orl $0x900, %eax
    wrmsr
    movl %cr0, %eax
    andl $0x9fffffff, %eax              /* CD and NW off */
    orl $0x80010001, %eax               /* PG, WP, PE */
    movl %eax, %cr0
    ljmpl *(ap_long_pointer - ap_trampoline)(%ebx)

    .code64
ap_long:
    xorl %eax, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    /* The stack is taken once, through the window, since this page is read-only: a CPU that comes too late finds none. */
    movabsq ${window}, %rcx
    xorl %eax, %eax
    xchgq %rax, (ap_trampoline_stack - ap_trampoline)(%rcx, %rbx)
    testq %rax, %rax
    jz ap_too_late
    movq %rax, %rsp
    xorl %ebp, %ebp
    pushq %rbp
    movq (ap_trampoline_entry - ap_trampoline)(%rbx), %rax
    jmpq *%rax
ap_too_late:
    hlt
    jmp ap_too_late

    .align 8
ap_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff            /* 0x08: 32-bit code, accessed */
    .quad 0x00cf93000000ffff            /* 0x10: data, accessed */
    .quad 0x00af9b000000ffff            /* 0x18: 64-bit code, accessed */
ap_gdt_pointer:
    .short 31
    .long 0
ap_protected_pointer:
    .long 0
    .short 0x08
ap_long_pointer:
    .long 0
    .short 0x18
    .align 8
ap_trampoline_root: .quad 0
ap_trampoline_stack: .quad 0
ap_trampoline_entry: .quad 0
ap_trampoline_end:
    .text
    .code64
"#,
    window = const physmap::WINDOW,
    options(att_syntax)
);

/// A CPU did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStarted {
    /// The identifier of its APIC.
    pub apic_id: u32,
}

/// What a starting CPU needs to know: its number and its APIC's identifier, until it says that it has read them.
static STARTING: AtomicU64 = AtomicU64::new(0);
static READ: AtomicBool = AtomicBool::new(false);

/// A page of the first megabyte from which CPUs can be started.
#[derive(Debug)]
pub struct Trampoline {
    page: FrameNumber,
    entry: extern "sysv64" fn() -> !,
}

impl Trampoline {
    /// Writes the trampoline into the page.
    ///
    /// # Safety
    /// The page is RAM below 1 MiB that nothing else uses, and this CPU's page table maps it to itself, executable, for
    /// as long as CPUs are started; the table itself lies below 4 GiB.
    #[must_use]
    pub unsafe fn new(page: FrameNumber, entry: extern "sysv64" fn() -> !) -> Self {
        let (begin, end) = (&raw const ap_trampoline, &raw const ap_trampoline_end);
        let length = end.addr() - begin.addr();
        // SAFETY: the page is the caller's gift; the source is the assembly above.
        unsafe { core::ptr::copy_nonoverlapping(begin, physmap::pointer::<u8>(page.start()), length) };
        Self { page, entry }
    }

    fn set(&self, field: *const u8, value: u64) {
        let offset = field.addr() - (&raw const ap_trampoline).addr();
        // SAFETY: the field lies in the page (`new`); no other CPU reads it before STARTUP.
        unsafe { physmap::pointer::<u64>(self.page.start()).byte_add(offset).write_volatile(value) };
    }

    /// Starts the CPU whose APIC has this identifier as number `cpu`, on this stack, and waits until it runs.
    ///
    /// # Errors
    /// [`NotStarted`] after about 200 ms of silence.
    pub fn start(&self, cpu: CpuIndex, apic_id: u32, stack: Stack) -> Result<(), NotStarted> {
        self.set(&raw const ap_trampoline_root, super::page_table().as_u64());
        self.set(&raw const ap_trampoline_stack, stack.top().as_u64());
        self.set(&raw const ap_trampoline_entry, self.entry as *const () as usize as u64);
        STARTING.store(u64::from(apic_id) << 32 | u64::from(cpu.as_u32()), Ordering::Relaxed);
        READ.store(false, Ordering::SeqCst);
        let page = u8::try_from(self.page.number()).map_err(|_| NotStarted { apic_id })?;
        apic::send(apic_id, Message::Init);
        wait_microseconds(10_000);
        for _ in 0..2 {
            apic::send(apic_id, Message::Startup(page));
            for _ in 0..100 {
                if READ.load(Ordering::SeqCst) {
                    return Ok(());
                }
                wait_microseconds(1_000);
            }
        }
        // It must not come to life with what the next one is given.
        self.set(&raw const ap_trampoline_stack, 0);
        apic::send(apic_id, Message::Init);
        wait_microseconds(10_000);
        Err(NotStarted { apic_id })
    }
}

/// The identifier of this CPU's APIC, asked without the APIC: CPUID leaf 0BH has all 32 bits of it.
fn own_apic_id() -> u32 {
    let [highest, ..] = super::cpuid(0, 0);
    if highest >= 0xb {
        let [_, logical_processors, _, identifier] = super::cpuid(0xb, 0);
        if logical_processors != 0 {
            return identifier;
        }
    }
    super::cpuid(1, 0)[1] >> 24
}

/// On a starting CPU: which it is. Called once on each, with the kernel's tables loaded.
#[must_use]
pub fn claim_identity() -> CpuIndex {
    let starting = STARTING.load(Ordering::Relaxed);
    let low = u32::try_from(starting & 0xffff_ffff).unwrap_or(0);
    let cpu = CpuIndex::new(low).unwrap_or(CpuIndex::BOOT);
    let apic_id = u32::try_from(starting >> 32).unwrap_or(0);
    if own_apic_id() != apic_id {
        super::halt_for_ever();
    }
    local::initialise(cpu, apic_id);
    READ.store(true, Ordering::SeqCst);
    cpu
}
