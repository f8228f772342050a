//! A fault that cannot be delivered, and what comes then.

use crate::Outcome;
use core::arch::asm;
use core::ptr::addr_of_mut;
use core::sync::atomic::{AtomicU32, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::fault_page::FAULT_VECTOR;
use exo_user::foreign::{self, ForeignAccess};
use exo_user::last_resort::{self, Report};
use exo_user::page_table::{self, Flags};
use exo_user::{call, console, eprintln, exceptions, println};
use guests::hostile::tables::Table;

/// Where a frame of the kernel's is mapped as a stack.
const STACK: u64 = 0x1000_2000_0000;
const KERNEL: u64 = 0x20_0000;
static mut RESCUE: [u8; 16384] = [0; 16384];

/// Steps that failed before this one.
pub static FAILED: AtomicU32 = AtomicU32::new(0);

fn rescued(report: &Report) -> ! {
    let told = report.physical & !0xfff == KERNEL && report.rsp == STACK + 4096;
    println!("the last resort: {}", if told { "done" } else { "told of something else" });
    if !told {
        eprintln!("{report:x?}");
    }
    console::flush();
    call::exit(FAILED.load(Ordering::Relaxed) + u32::from(!told));
}

fn unexpected(_: &ForeignAccess, frame: &mut exceptions::ExceptionFrame) {
    exceptions::fatal(frame);
}

/// Pushes onto a stack that is not its own, and cannot be told of it there. This ends the program.
pub fn last_resort(_boot: &'static BootPage) -> Outcome {
    prepare()?;
    // SAFETY: the environment ends here.
    unsafe { asm!("cli", "mov rsp, {}", "push 1", "2: jmp 2b", in(reg) STACK + 4096, options(noreturn)) }
}

/// The same in a child that has taken its last resort back.
pub fn without(boot: &'static BootPage) -> u32 {
    match prepare().and_then(|()| last_resort::cancel().map_err(crate::text)) {
        // SAFETY: the environment ends here.
        Ok(()) => unsafe { asm!("cli", "mov rsp, {}", "push 1", "2: jmp 2b", in(reg) STACK + 4096, options(noreturn)) },
        Err(error) => {
            eprintln!("{}: {error}", boot.name());
            1
        }
    }
}

fn prepare() -> Outcome {
    foreign::handle(unexpected).map_err(crate::text)?;
    // On its own stacks it could be told.
    let mut table = Table::copied();
    table.on_stack(FAULT_VECTOR, 0);
    table.load();
    // SAFETY: nobody else uses the stack, and no fault takes it or the handler away; nothing else is mapped at STACK; the
    // environment ends in the handler.
    unsafe {
        last_resort::register(rescued, addr_of_mut!(RESCUE)).map_err(crate::text)?;
        page_table::map(STACK, KERNEL, Flags::PRESENT | Flags::WRITABLE).map_err(crate::text)
    }
}
