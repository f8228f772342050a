//! Gates: calling other environments, and being called (protected control transfer; `docs/gates.md`).
//!
//! A message is up to six words. The stubs show nobody anything else: all general registers that carry no word are zero when control
//! goes over. Vector registers stay as they are, on both sides: whoever has used them calls [`clear_vector_state`] first.

mod client;
mod server;

pub use client::Gate;
pub use server::{Request, close, open, reply_and_wait, serve};

/// What a call carries, in either direction: rdi, rsi, rdx, rcx, r8 and r9.
pub type Message = [u64; 6];

/// Hands a message over by the call in `word`; what rax and the message are when this side goes on.
#[inline(always)]
fn transfer(mut word: u64, message: Message) -> (u64, Message) {
    let [mut a, mut b, mut c, mut d, mut e, mut f] = message;
    // SAFETY: the other side may change any register but rsp: those that the compiler cannot give up are kept on the stack. No
    // memory of this environment's changes but by its own binding. The zeros keep its registers from the other side.
    unsafe {
        core::arch::asm!(
            "push rbx",
            "push rbp",
            "xor ebx, ebx",
            "xor ebp, ebp",
            "vmcall",
            "pop rbp",
            "pop rbx",
            inlateout("rax") word,
            inlateout("rdi") a,
            inlateout("rsi") b,
            inlateout("rdx") c,
            inlateout("rcx") d,
            inlateout("r8") e,
            inlateout("r9") f,
            inlateout("r10") 0_u64 => _,
            inlateout("r11") 0_u64 => _,
            inlateout("r12") 0_u64 => _,
            inlateout("r13") 0_u64 => _,
            inlateout("r14") 0_u64 => _,
            inlateout("r15") 0_u64 => _,
        );
    }
    (word, [a, b, c, d, e, f])
}

/// Puts x87, SSE and AVX registers, as far as XCR0 has them on, into their initial state, and MXCSR and the x87 control word to what a
/// program expects: so that whoever gets the CPU next sees nothing in them, and finds them in order.
pub fn clear_vector_state() {
    /// An XSAVE image whose header says that every component is in its initial state (SDM Vol. 1, 13.4).
    #[repr(C, align(64))]
    struct Image([u8; 576]);
    const FCW: [u8; 2] = 0x37f_u16.to_le_bytes();
    const MXCSR: [u8; 4] = 0x1f80_u32.to_le_bytes();
    static INITIAL: Image = {
        let mut bytes = [0; 576];
        (bytes[0], bytes[1]) = (FCW[0], FCW[1]);
        (bytes[24], bytes[25], bytes[26], bytes[27]) = (MXCSR[0], MXCSR[1], MXCSR[2], MXCSR[3]);
        Image(bytes)
    };
    const OSXSAVE: u64 = 1 << 18;
    if crate::cpu::read_cr4() & OSXSAVE == 0 {
        // SAFETY: the legacy part of the image is aligned and whole. Rust code for this target keeps nothing in vector registers.
        unsafe { core::arch::asm!("fxrstor64 [{}]", in(reg) &raw const INITIAL, options(nostack, readonly)) };
        return;
    }
    // SAFETY: as above; with an empty header no component beyond the legacy part is read.
    unsafe {
        core::arch::asm!("xrstor64 [{}]", in(reg) &raw const INITIAL, in("eax") u32::MAX, in("edx") u32::MAX,
            options(nostack, readonly));
    }
}
