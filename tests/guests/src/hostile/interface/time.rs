//! Time that is somebody else's, and its own used as it must not be.

use super::{Case, EXITS, Verdict};
use crate::kit::child::{self, Child};
use crate::kit::neighbour::{free_slice, slice_of, witness};
use crate::kit::{OWN, ask, fails, must, same, take_run, thread, until, works};
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::error::Error;
use exo_user::abi::events::{EventPage, NOTIFICATION};
use exo_user::abi::info::SLICE_POSITIONS;
use exo_user::exceptions::ExceptionFrame;
use exo_user::{call, counters, cpu, events, exceptions, frames, info};

pub const CASES: &[Case] = &[
    Case::new("slice-theft", EXITS, theft, "takes, frees and gives away slices that are not its own"),
    Case::new("slice-stretch", EXITS, stretch, "makes its slices longer by calls that take long"),
    Case::new("grace-abuse", EXITS, grace, "uses its grace up, slice after slice"),
    Case::new("yield-to-nobody", EXITS, yield_to, "gives its slice to virtual CPUs that cannot have it"),
    Case::new("masked-for-ever", EXITS, masked, "masks all events while a child calls it again and again"),
    Case::new("vector-garbage", EXITS, vector, "asks for upcalls on vectors that are none"),
    Case::new("forged-accounts", EXITS, accounts, "writes over its event page while it runs"),
];

const CHILD: u8 = 9;
const VECTOR: u8 = 0x50;

fn theft(boot: &'static BootPage) -> Verdict {
    let other = witness()?;
    let (cpu, position) = (u64::from(other.slice.0), other.slice.1);
    fails(Call::SliceAllocate, (OWN, 0), &[cpu, position, 0, 0], Error::SliceTaken)?;
    fails(Call::SliceFree, (OWN, 0), &[cpu, position], Error::SliceForeign)?;
    fails(Call::SliceGive, (OWN, 0), &[cpu, position, 0, 0], Error::SliceForeign)?;
    let cpus = info::system().map_or(1, |system| u64::from(system.cpus));
    for cpu in [cpus, 64, 1 << 32, u64::MAX] {
        fails(Call::SliceAllocate, (OWN, 0), &[cpu, 0, 0, 0], Error::NoSuchCpu)?;
        fails(Call::SliceFree, (OWN, 0), &[cpu, 0], Error::NoSuchCpu)?;
    }
    let here = u64::from(boot.cpu);
    for position in [SLICE_POSITIONS as u64, 1 << 32, u64::MAX] {
        fails(Call::SliceAllocate, (OWN, 0), &[here, position, 0, 0], Error::NoSuchSlice)?;
        fails(Call::SliceGive, (OWN, 0), &[here, position, 0, 0], Error::NoSuchSlice)?;
    }
    let free = free_slice(boot.cpu).ok_or("no free slice")?;
    fails(Call::SliceFree, (OWN, 0), &[here, free], Error::SliceForeign)?;
    for vcpu in [1, 8, 1 << 16, u64::MAX] {
        fails(Call::SliceAllocate, (OWN, 0), &[here, free, 0, vcpu], Error::NoSuchVcpu)?;
    }
    // Nobody is made to run at somebody else's bidding.
    fails(Call::SliceAllocate, (OWN, OWN), &[here, free, other.argument(), 0], Error::Underprivileged)?;
    // A virtual CPU runs where it was made.
    let (there, own) = (thread::other_cpu(boot.cpu), slice_of(info::own_id()).ok_or("no slice")?);
    if there != boot.cpu {
        let free = free_slice(there).ok_or("no free slice")?;
        fails(Call::SliceAllocate, (OWN, 0), &[there.into(), free, 0, 0], Error::NoSuchVcpu)?;
    }
    fails(Call::SliceGive, (OWN, 0), &[here, own.1, 0, 7], Error::NoSuchVcpu).map(drop)
}

fn own_ticks() -> u64 {
    info::environment(info::own_id()).map_or(0, |record| record.ticks)
}

/// The longest call: 512 frames are allocated, which somebody else has left dirty. A slice must end all the same, and its time
/// is on the account.
fn stretch(boot: &'static BootPage) -> Verdict {
    let first = take_run(512)?;
    works(Call::FreeRun, (OWN, 0), &[first, 512])?;
    cpu::disable_interrupts();
    let (before, slices) = (own_ticks(), counters().slices);
    let mut spent = 0;
    for _ in 0..50 {
        // The clock is looked at inside of what the count of slices encloses.
        let at = counters().slices;
        let begin = cpu::read_tsc();
        ask(Call::AllocateRun, (OWN, 0), &[first, 512]);
        ask(Call::BindRun, (0, 0), &[0, 0, 1, first, 512]);
        ask(Call::UnbindRun, (OWN, 0), &[0, first, 512]);
        ask(Call::FreeRun, (OWN, 0), &[first, 512]);
        let end = cpu::read_tsc();
        // Only where no slice ended between is it this environment's own time.
        if counters().slices == at {
            spent += end - begin;
        }
    }
    // What is spent is on the account at the end of the slice.
    call::yield_slice();
    let (account, slices) = (own_ticks() - before, counters().slices - slices);
    exo_user::println!("spent at least {spent} of {account} ticks in {slices} slices of {}", boot.slice_ticks);
    must("the account has all time that was spent", account >= spent)
}

fn ignore(_frame: &mut ExceptionFrame) {}

fn own_page(boot: &BootPage) -> *mut EventPage {
    frames::window(boot.event_page_physical).cast()
}

fn grace(boot: &'static BootPage) -> Verdict {
    exceptions::set_handler(VECTOR, ignore);
    let page = own_page(boot);
    let begin = info::slice(boot.cpu, 0).and_then(|_| events::page()).ok_or("no event page")?;
    // SAFETY: the page is the guest's to write.
    unsafe {
        (&raw mut (*page).vector).write_volatile(VECTOR.into());
        (&raw mut (*page).wants_slice_end).write_volatile(1);
    }
    cpu::enable_interrupts();
    let mut patience = 0_u64;
    loop {
        let now = events::page().ok_or("no event page")?;
        if now.penalties >= begin.penalties + 3 {
            exo_user::println!("{} slices lost for {} ticks of excess", now.penalties, now.excess);
            return must("the time beyond the grace is on the account", now.excess >= begin.excess);
        }
        patience += 1;
        must("penalties come", patience < 50_000_000)?;
    }
}

extern "C" fn sleep(page: u64, _: u64) -> ! {
    thread::rest(page)
}

fn yield_to(boot: &'static BootPage) -> Verdict {
    let sleeper = thread::run(boot.cpu, sleep, 0)?;
    for _ in 0..3 {
        call::yield_slice();
    }
    fails(Call::YieldTo, (0, 0), &[0, sleeper], Error::NotRunnable)?;
    for absent in [sleeper + 1, 8, 64, u64::MAX] {
        fails(Call::YieldTo, (0, 0), &[0, absent], Error::NoSuchVcpu)?;
    }
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    fails(Call::YieldTo, (0, 0), &[child.id.argument(), 0], Error::NoSuchVcpu)?;
    child.vcpu(boot.cpu, sleep, 0)?;
    fails(Call::YieldTo, (0, 0), &[child.id.argument(), 0], Error::NotRunnable)?;
    let there = thread::other_cpu(boot.cpu);
    if there != boot.cpu {
        let elsewhere = thread::run(there, spin, 0)?;
        fails(Call::YieldTo, (0, 0), &[0, elsewhere], Error::NotRunnable)?;
    }
    // To itself it goes on at once, and to a neighbour it loses what it gives.
    for _ in 0..100 {
        works(Call::YieldTo, (0, 0), &[0, 0])?;
    }
    Ok(())
}

extern "C" fn spin(_: u64, _: u64) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Calls the environment in its second slot's name, as often as the argument says.
extern "C" fn notify(_: u64, parent: u64) -> ! {
    loop {
        if ask(Call::Notify, (2, 0), &[parent, 0]).code == 0 {
            CALLS.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn masked(boot: &'static BootPage) -> Verdict {
    use exo_user::abi::capability::rights;
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    works(Call::CapabilityGrant, (OWN, CHILD), &[child.id.argument(), 2, rights::NOTIFY])?;
    events::set_mask(u64::MAX);
    events::set_vector(VECTOR);
    cpu::enable_interrupts();
    let injections = counters().injections;
    child.vcpu(boot.cpu, notify, crate::kit::own())?;
    child.start()?;
    until("the child has called", || CALLS.load(Ordering::SeqCst) >= 1000)?;
    same("upcalls while all is masked", counters().injections - injections, 0)?;
    let pending = events::page().map_or(0, |page| page.pending);
    must("the notification is pending", pending & NOTIFICATION != 0)?;
    works(Call::EnvironmentDestroy, (CHILD, 0), &[child.id.argument()])?;
    events::set_mask(0);
    same("what was noted", events::take_noted(NOTIFICATION), NOTIFICATION)
}

fn vector(boot: &'static BootPage) -> Verdict {
    let page = own_page(boot);
    cpu::enable_interrupts();
    let before = counters().injections;
    for vector in [0, 1, 2, 8, 13, 14, 18, 20, 31, 256, 0x150, 1 << 32 | 0x50, u64::MAX] {
        // SAFETY: the page is the guest's to write.
        unsafe { (&raw mut (*page).vector).write_volatile(vector) };
        for _ in 0..3 {
            call::yield_slice();
        }
    }
    same("upcalls", counters().injections - before, 0)
}

/// The accounts in the page are the guest's own copy: what it writes there deceives nobody else.
fn accounts(boot: &'static BootPage) -> Verdict {
    let words = own_page(boot).cast::<u64>();
    let before = own_ticks();
    for round in 0..20_u64 {
        for index in 0..512 {
            // The vector stays none, so that no upcall comes that nobody takes.
            if index != 2 {
                // SAFETY: the page is the guest's to write.
                unsafe { words.add(index).write_volatile(u64::MAX - round) };
            }
        }
        call::yield_slice();
    }
    let after = own_ticks();
    must("the account goes on", after > before && after - before < 1 << 40)
}
