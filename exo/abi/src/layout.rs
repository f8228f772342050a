//! Where the kernel puts things in a new environment's virtual address space. After its first instruction the
//! environment owns its page tables and may move everything.

/// Bytes in a frame.
pub const FRAME_SIZE: u64 = 4096;

/// Every frame that the environment holds is mapped here, at `PHYSICAL_WINDOW + guest-physical address`,
/// writable and not executable (kernel-owned pages read-only).
pub const PHYSICAL_WINDOW: u64 = 0xffff_8000_0000_0000;

/// Where a position-independent image is loaded. An image with fixed addresses is loaded at those.
pub const IMAGE_BASE: u64 = 0xffff_ffff_8000_0000;

/// The initial stack ends here (it grows down from it); the page below the stack is not mapped.
pub const STACK_TOP: u64 = 0xffff_ff80_0010_0000;

/// Bytes in the initial stack.
pub const STACK_SIZE: u64 = 64 * 1024;

/// The selector of the 64-bit ring-0 code segment in the initial GDT.
pub const CODE_SELECTOR: u16 = 0x08;
/// The selector of the ring-0 data segment in the initial GDT.
pub const DATA_SELECTOR: u16 = 0x10;
