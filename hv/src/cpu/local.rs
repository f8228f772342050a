//! What each CPU keeps for itself, found through its GS base.

use super::msr;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Most CPUs that the kernel runs.
pub const MAX_CPUS: usize = 64;

/// The number of a CPU: 0 is the one that booted, the others follow in the order of the MADT.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CpuIndex(u32);

impl CpuIndex {
    /// The CPU that booted.
    pub const BOOT: Self = Self(0);

    /// The CPU with this number; `None` from [`MAX_CPUS`] on.
    #[must_use]
    pub const fn new(index: u32) -> Option<Self> {
        if (index as usize) < MAX_CPUS { Some(Self(index)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn as_u32(self) -> u32 {
        self.0
    }

    /// The number, as an index.
    #[must_use]
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// What a CPU keeps for itself. Others only read `apic_id` and `online`.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Local {
    index: AtomicU32,
    /// The local APIC's identifier: where interrupts for this CPU go.
    pub apic_id: AtomicU32,
    /// The CPU has reached its run loop.
    pub online: AtomicBool,
    /// Interrupts noted in root mode since [`Local::take_noted`], one bit for each of vectors 192 to 255.
    noted: AtomicU64,
}

impl Local {
    /// Notes an interrupt; vectors below 192 are not the kernel's and count as spurious.
    pub(super) fn note(&self, vector: u8) {
        if vector >= 192 {
            self.noted.fetch_or(1 << (vector - 192), Ordering::Relaxed);
        }
    }

    /// What has been noted: a bit for each of vectors 192 to 255.
    #[must_use]
    pub fn take_noted(&self) -> u64 {
        self.noted.swap(0, Ordering::Relaxed)
    }
}

static LOCALS: [Local; MAX_CPUS] = [const {
    Local {
        index: AtomicU32::new(0),
        apic_id: AtomicU32::new(0),
        online: AtomicBool::new(false),
        noted: AtomicU64::new(0),
    }
}; MAX_CPUS];

/// What the CPU with this number keeps.
#[must_use]
pub fn of(cpu: CpuIndex) -> &'static Local {
    &LOCALS[cpu.as_usize()]
}

/// Makes this CPU number `cpu`.
pub fn initialise(cpu: CpuIndex, apic_id: u32) {
    let local = of(cpu);
    local.index.store(cpu.as_u32(), Ordering::Relaxed);
    local.apic_id.store(apic_id, Ordering::Relaxed);
    // SAFETY: GS is the kernel's pointer to this structure, which is static; nothing else uses it.
    unsafe { msr::write(msr::number::GS_BASE, core::ptr::from_ref(local).expose_provenance() as u64) };
}

/// What this CPU keeps; `None` before [`initialise`].
fn current() -> Option<&'static Local> {
    let base = msr::read(msr::number::GS_BASE);
    let first = LOCALS.as_ptr().addr() as u64;
    let offset = base.checked_sub(first)?;
    LOCALS.get(usize::try_from(offset).ok()? / size_of::<Local>())
}

/// This CPU's number, or 0 before it has one.
#[must_use]
pub fn index_or_zero() -> u32 {
    current().map_or(0, |local| local.index.load(Ordering::Relaxed))
}

/// What this CPU keeps; the boot CPU's before [`initialise`].
#[must_use]
pub fn this() -> &'static Local {
    current().unwrap_or(&LOCALS[0])
}

/// This CPU's number, the boot CPU's before [`initialise`].
#[must_use]
pub fn index() -> CpuIndex {
    CpuIndex(index_or_zero())
}

/// The value of this CPU's GS base, for the VMCS.
#[must_use]
pub fn gs_base(cpu: CpuIndex) -> u64 {
    core::ptr::from_ref(of(cpu)).expose_provenance() as u64
}
