//! Wakeup predicates that are none, and the entry of last resort misused.

use super::{Case, EXITS, Outcome, VIOLATION, Verdict};
use crate::kit::list::List;
use crate::kit::{OWN, fails, must, same, take_run, thread, works};
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights::READ;
use exo_user::abi::error::Error;
use exo_user::abi::wakeup::operation::{ADD, CLOCK, CONSTANT, EQUAL, LESS, LESS_OR_EQUAL, WORD};
use exo_user::{call, counters, frames};

pub const CASES: &[Case] = &[
    Case::new("predicate-malformed", EXITS, malformed, "gives wakeup predicates that are no programs"),
    Case::new("predicate-unbound-later", EXITS, unbound_later, "unbinds the word that a wakeup predicate reads"),
    Case::new("predicate-changed-later", EXITS, changed_later, "changes a wakeup predicate after it was given"),
    Case::new("last-resort-garbage", EXITS, garbage, "names code and stacks of last resort that no CPU enters"),
    Case::new("last-resort-once", VIOLATION, once, "has a second fault that cannot be delivered, with one last resort"),
    Case::new("last-resort-foreign", VIOLATION, foreign, "has its last resort in memory that is not its own"),
    Case::new("last-resort-loop", Outcome::Endless, fault_loop, "faults in its last resort again and again"),
];

fn malformed(_boot: &'static BootPage) -> Verdict {
    let list = List::new(&[])?;
    let at = list.physical();
    let deep = [(CONSTANT, 1); 9];
    let programs: [&[(u64, u64)]; 16] = [
        &[],
        &[(ADD, 0)],
        &[(CONSTANT, 1), (ADD, 0)],
        &[(CONSTANT, 1), (CONSTANT, 1)],
        &deep,
        &[(12, 0)],
        &[(u64::MAX, 0)],
        &[(1 << 32, 0)],
        &[(WORD, at + 1)],
        &[(WORD, at + 4)],
        &[(WORD, u64::MAX)],
        &[(CLOCK, 1)],
        &[(CONSTANT, 1), (CONSTANT, 1), (EQUAL, 1)],
        &[(CONSTANT, 1), (CONSTANT, 1), (LESS_OR_EQUAL + 1, 0)],
        &[(EQUAL, 0), (CONSTANT, 1), (CONSTANT, 1)],
        &[(CONSTANT, 1), (CONSTANT, 1), (ADD, 0), (ADD, 0)],
    ];
    for program in programs {
        list.write(program);
        fails(Call::BlockOn, (0, 0), &[at, program.len() as u64], Error::BadPredicate)?;
    }
    for length in [17, 1 << 32, u64::MAX] {
        fails(Call::BlockOn, (0, 0), &[at, length], Error::TooLong)?;
    }
    // The longest and deepest that there is.
    let mut program = [(CONSTANT, 0); 15];
    program[8..].fill((ADD, 0));
    program[0] = (CONSTANT, 1);
    list.write(&program);
    works(Call::BlockOn, (0, 0), &[at, 15]).map(drop)
}

static WORD_FRAME: AtomicU64 = AtomicU64::new(0);
static PROGRAM: AtomicU64 = AtomicU64::new(0);
static WOKEN: AtomicU64 = AtomicU64::new(0);

/// Waits for what the program says, then says so.
extern "C" fn wait(page: u64, length: u64) -> ! {
    thread::mask_all(page);
    let reply = crate::kit::ask(Call::BlockOn, (0, 0), &[PROGRAM.load(Ordering::SeqCst), length]);
    WOKEN.store(reply.code + 1, Ordering::SeqCst);
    thread::rest(page)
}

fn waiting(boot: &BootPage, list: &List, length: u64) -> Verdict {
    PROGRAM.store(list.physical(), Ordering::SeqCst);
    thread::run(boot.cpu, wait, length)?;
    for _ in 0..5 {
        call::yield_slice();
    }
    same("it has woken up", WOKEN.load(Ordering::SeqCst), 0)
}

fn woken() -> Verdict {
    crate::kit::until("it wakes up", || WOKEN.load(Ordering::SeqCst) != 0)?;
    same("the answer, and 1", WOKEN.load(Ordering::SeqCst), 1)
}

fn unbound_later(boot: &'static BootPage) -> Verdict {
    let frame = take_run(1)?;
    WORD_FRAME.store(frame, Ordering::SeqCst);
    works(Call::BindRun, (0, 0), &[0, 0, READ, frame, 1])?;
    let list = List::new(&[(WORD, frame << 12)])?;
    waiting(boot, &list, 1)?;
    works(Call::UnbindRun, (OWN, 0), &[0, frame, 1])?;
    works(Call::FreeRun, (OWN, 0), &[frame, 1])?;
    woken()
}

fn changed_later(boot: &'static BootPage) -> Verdict {
    let word = List::new(&[])?;
    let list = List::new(&[(CONSTANT, 0), (WORD, word.physical()), (LESS, 0)])?;
    waiting(boot, &list, 3)?;
    // What the kernel runs is its copy: this would lead to the kernel's memory.
    list.write(&[(WORD, 0x20_0000), (u64::MAX, 1), (ADD, 0)]);
    for _ in 0..5 {
        call::yield_slice();
    }
    same("it has woken up", WOKEN.load(Ordering::SeqCst), 0)?;
    word.write(&[(1, 0)]);
    woken()
}

fn garbage(_boot: &'static BootPage) -> Verdict {
    for bad in [1 << 47, 1 << 63, 0x7fff_ffff_ffff_ffff, 0xffff_7fff_ffff_ffff] {
        fails(Call::SetLastResort, (0, 0), &[bad, 0x1000], Error::BadArgument)?;
        fails(Call::SetLastResort, (0, 0), &[0x1000, bad], Error::BadArgument)?;
    }
    works(Call::SetLastResort, (0, 0), &[0, 0]).map(drop)
}

/// Where nothing of the guest's is.
const FOREIGN: u64 = 0x1000_4000_0000;
const KERNEL: u64 = 0x20_0000;

static ENTERED: AtomicU64 = AtomicU64::new(0);

/// Fault delivery on, and the fault page busy for good: nothing can be delivered.
fn undeliverable(boot: &BootPage) -> Verdict {
    use exo_user::page_table::{self, Flags};
    // SAFETY: nothing else is mapped here.
    unsafe { page_table::map(FOREIGN, KERNEL, Flags::PRESENT | Flags::WRITABLE) }
        .map_err(|error| alloc::format!("cannot map: {error}"))?;
    call::set_fault_delivery(true).map_err(|error| alloc::format!("{error}"))?;
    let busy = frames::window(boot.fault_page_physical + 4).cast::<u32>();
    // SAFETY: the fault page is the guest's to write.
    unsafe { busy.write_volatile(1) };
    Ok(())
}

fn stack() -> Result<u64, alloc::string::String> {
    let stack = frames::allocate_contiguous(4).ok_or("no frames for a stack")?;
    Ok(stack.as_mut_ptr_range().end as u64 - 8)
}

/// Entered on the stack of last resort; faults once more.
extern "C" fn fault_again(_linear: u64, physical: u64) -> ! {
    ENTERED.store(physical, Ordering::SeqCst);
    // SAFETY: the kernel must stop the access.
    unsafe { frames::pointer::<u64>(FOREIGN).read_volatile() };
    loop {
        core::hint::spin_loop();
    }
}

fn once(boot: &'static BootPage) -> Verdict {
    undeliverable(boot)?;
    works(Call::SetLastResort, (0, 0), &[fault_again as *const () as u64, stack()?])?;
    // SAFETY: the kernel must stop the access.
    unsafe { frames::pointer::<u64>(FOREIGN).read_volatile() };
    must("the access is stopped", false)
}

fn foreign(boot: &'static BootPage) -> Verdict {
    undeliverable(boot)?;
    works(Call::SetLastResort, (0, 0), &[FOREIGN, FOREIGN + 4096])?;
    // SAFETY: the environment ends here.
    unsafe { asm!("mov rax, [{}]", "ud2", in(reg) FOREIGN, options(noreturn)) }
}

static AGAIN: AtomicU64 = AtomicU64::new(0);

extern "C" fn fault_for_ever(_linear: u64, _physical: u64) -> ! {
    let code = fault_for_ever as *const () as u64;
    let set = crate::kit::ask(Call::SetLastResort, (0, 0), &[code, AGAIN.load(Ordering::SeqCst)]);
    if set.code == 0 {
        // SAFETY: the kernel must stop the access.
        unsafe { frames::pointer::<u64>(FOREIGN).read_volatile() };
    }
    loop {
        core::hint::spin_loop();
    }
}

fn fault_loop(boot: &'static BootPage) -> Verdict {
    undeliverable(boot)?;
    AGAIN.store(stack()?, Ordering::SeqCst);
    let _ = counters();
    fault_for_ever(0, 0)
}
