//! The x87 and vector registers, as XSAVE keeps them and as signal frames show them.

use alloc::alloc::{alloc, alloc_zeroed, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::arch::asm;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use exo_user::cpu;

/// State components that are in use (SDM Vol. 1, 13.1).
static COMPONENTS: AtomicU64 = AtomicU64::new(0);
/// Bytes that XSAVE writes of them.
static BYTES: AtomicUsize = AtomicUsize::new(512 + 64);

/// What XSAVE areas begin with: the x87 control word and MXCSR as after reset.
const CONTROL_WORD: u16 = 0x37f;
const MXCSR: u32 = 0x1f80;
/// Bits of MXCSR that exist.
const MXCSR_MASK: u32 = 0xffff;
const LEGACY: usize = 512;
/// Where Linux says in a signal frame that the area is one of XSAVE (`arch/x86/include/uapi/asm/sigcontext.h`).
const SOFTWARE: usize = 464;
const MAGIC_1: u32 = 0x4650_5853;
const MAGIC_2: u32 = 0x4650_5845;

/// Turns on what programs use of the FPU and the vector registers.
pub fn enable_vector_registers() {
    const MONITOR_COPROCESSOR: u64 = 1 << 1;
    const EMULATION: u64 = 1 << 2;
    const TASK_SWITCHED: u64 = 1 << 3;
    const FXSAVE: u64 = 1 << 9;
    const EXCEPTIONS: u64 = 1 << 10;
    const XSAVE: u64 = 1 << 18;
    let has_xsave = cpu::cpuid(1, 0).ecx & 1 << 26 != 0;
    // SAFETY: these bits make instructions work, for ring 3; ring 0 is compiled without them.
    unsafe {
        cpu::write_cr0((cpu::read_cr0() | MONITOR_COPROCESSOR) & !(EMULATION | TASK_SWITCHED));
        let xsave = if has_xsave { XSAVE } else { 0 };
        cpu::write_cr4(cpu::read_cr4() | FXSAVE | EXCEPTIONS | xsave);
    }
    if !has_xsave {
        return;
    }
    // x87, SSE, AVX.
    let components = u64::from(cpu::cpuid(0xd, 0).eax) & 7;
    // SAFETY: components that the CPU has, x87 among them.
    unsafe {
        asm!("xsetbv", in("ecx") 0, in("eax") components as u32, in("edx") 0, options(nostack, preserves_flags));
    }
    COMPONENTS.store(components, Ordering::Relaxed);
    BYTES.store(cpu::cpuid(0xd, 0).ebx as usize, Ordering::Relaxed);
}

/// An area for XSAVE, aligned to 64 bytes, and behind it what ends it in a signal frame.
#[derive(Debug)]
pub(super) struct VectorState(NonNull<u8>);

/// The registers as they are when a program begins: an area that says that there is nothing in it but MXCSR.
#[repr(align(64))]
struct Initial([u8; LEGACY + 64]);

static INITIAL: Initial = {
    let mut bytes = [0; LEGACY + 64];
    [bytes[0], bytes[1]] = CONTROL_WORD.to_le_bytes();
    [bytes[24], bytes[25], bytes[26], bytes[27]] = MXCSR.to_le_bytes();
    Initial(bytes)
};

impl VectorState {
    fn layout() -> Layout {
        let bytes = vector_state_bytes() as usize;
        // Both are small, and the alignment is a power of two.
        Layout::from_size_align(bytes, 64).unwrap_or(Layout::new::<[u64; 128]>())
    }

    pub(super) fn new() -> Self {
        let layout = Self::layout();
        // SAFETY: the layout has a size.
        let area = unsafe { alloc_zeroed(layout) };
        let state = Self(NonNull::new(area).unwrap_or_else(|| handle_alloc_error(layout)));
        state.reset();
        state
    }

    pub(super) fn duplicate(&self) -> Self {
        let layout = Self::layout();
        // SAFETY: the layout has a size.
        let area = unsafe { alloc(layout) };
        let area = NonNull::new(area).unwrap_or_else(|| handle_alloc_error(layout));
        // SAFETY: both areas are so long, and the new one is another.
        unsafe { area.copy_from_nonoverlapping(self.0, layout.size()) };
        Self(area)
    }

    /// Does something with the area's bytes; `work` does not come here again.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut [u8]) -> R) -> R {
        // SAFETY: (1) the area is this value's own, of so many bytes, and was zeros at first; (2) this is the only way to a reference
        // to it, and the closures of this module do not call each other.
        work(unsafe { core::slice::from_raw_parts_mut(self.0.as_ptr(), Self::layout().size()) })
    }

    pub(super) fn reset(&self) {
        self.with(|bytes| {
            bytes.fill(0);
            bytes[..INITIAL.0.len()].copy_from_slice(&INITIAL.0);
            describe(bytes);
        });
    }

    pub(super) fn save(&self) {
        let (components, area) = (COMPONENTS.load(Ordering::Relaxed), self.0.as_ptr());
        // SAFETY: the area is large enough for the components and aligned.
        unsafe {
            if components == 0 {
                asm!("fxsave64 [{}]", in(reg) area, options(nostack, preserves_flags));
            } else {
                asm!("xsave64 [{}]", in(reg) area, in("eax") components as u32, in("edx") 0, options(nostack, preserves_flags));
            }
        }
    }

    pub(super) fn restore(&self) {
        // SAFETY: as for `save`; whatever a program has put into the area went through `accept`.
        unsafe { load(self.0.as_ptr()) };
    }
}

/// Puts an area into the registers.
///
/// # Safety
/// The area is aligned, is as large as what it says is in it, and says nothing that the CPU would refuse. Ring 0 has no state in these
/// registers.
unsafe fn load(area: *const u8) {
    let components = COMPONENTS.load(Ordering::Relaxed);
    // SAFETY: the caller answers for the area.
    unsafe {
        if components == 0 {
            asm!("fxrstor64 [{}]", in(reg) area, options(nostack, preserves_flags));
        } else {
            asm!("xrstor64 [{}]", in(reg) area, in("eax") components as u32, in("edx") 0, options(nostack, preserves_flags));
        }
    }
}

/// Writes into an area what signal frames say of it: where XSAVE writes nothing, and behind its end.
fn describe(bytes: &mut [u8]) {
    let components = COMPONENTS.load(Ordering::Relaxed);
    if components == 0 {
        return;
    }
    let area = BYTES.load(Ordering::Relaxed);
    let mut put = |at: usize, word: &[u8]| bytes[at..at + word.len()].copy_from_slice(word);
    put(SOFTWARE, &MAGIC_1.to_le_bytes());
    put(SOFTWARE + 4, &(area as u32 + 4).to_le_bytes());
    put(SOFTWARE + 8, &components.to_le_bytes());
    put(SOFTWARE + 16, &(area as u64).to_le_bytes());
    put(area, &MAGIC_2.to_le_bytes());
}

/// Takes out of an area that a program has written what the CPU would refuse (SDM Vol. 1, 13.8).
pub(super) fn accept(bytes: &mut [u8]) {
    let components = COMPONENTS.load(Ordering::Relaxed);
    let word = |bytes: &[u8], at: usize| bytes[at..].first_chunk().map_or(0, |&word| u32::from_le_bytes(word));
    let mxcsr = word(bytes, 24) & MXCSR_MASK;
    bytes[24..28].copy_from_slice(&mxcsr.to_le_bytes());
    if components != 0 {
        // A program that knows nothing of XSAVE has written the first part only.
        let extended = word(bytes, SOFTWARE) == MAGIC_1;
        let there = bytes[LEGACY..].first_chunk().map_or(3, |&word| u64::from_le_bytes(word));
        let there = if extended { there & components } else { 3 };
        bytes[LEGACY..LEGACY + 64].fill(0);
        bytes[LEGACY..LEGACY + 8].copy_from_slice(&there.to_le_bytes());
    }
    describe(bytes);
}

impl Drop for VectorState {
    fn drop(&mut self) {
        // SAFETY: the area was allocated with this layout, which never changes after the first thread.
        unsafe { dealloc(self.0.as_ptr(), Self::layout()) };
    }
}

/// Puts the registers there as they are when a program begins.
pub(super) fn clear() {
    // SAFETY: the area is aligned and says that it has nothing but its own bytes.
    unsafe { load(INITIAL.0.as_ptr()) };
}

/// Bytes that XSAVE writes.
pub(super) fn area_bytes() -> usize {
    BYTES.load(Ordering::Relaxed)
}

/// Bytes of the vector registers in a signal frame.
pub(crate) fn vector_state_bytes() -> u64 {
    let end = if COMPONENTS.load(Ordering::Relaxed) == 0 { 0 } else { size_of_val(&MAGIC_2) };
    (BYTES.load(Ordering::Relaxed) + end) as u64
}
