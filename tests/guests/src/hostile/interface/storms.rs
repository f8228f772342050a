//! Guests that never end and keep the interface busy.

use super::{Case, Outcome, Verdict};
use crate::kit::child::{self, Child};
use crate::kit::{OWN, ask, own, take_run, thread, works};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::info::SLICE_POSITIONS;
use exo_user::cpu;

const ENDLESS: Outcome = Outcome::Endless;

pub const CASES: &[Case] = &[
    Case::new("slice-hog", ENDLESS, slice_hog, "takes eight more slices and loops in all of them with interrupts off"),
    Case::new("donation-loop", ENDLESS, donation, "has two virtual CPUs give each other the rest of one slice"),
    Case::new("block-for-ever", ENDLESS, block, "blocks until something happens that never does"),
    Case::new("stop-itself", ENDLESS, stop, "stops itself"),
    Case::new("call-storm", ENDLESS, call_storm, "makes calls that take the lock, on two CPUs where there are two"),
    Case::new("bind-storm", ENDLESS, bind_storm, "binds and unbinds, so that other CPUs have to forget translations"),
    Case::new("kick-storm", ENDLESS, kick_storm, "has another CPU told of its slices and events again and again"),
    Case::new("child-storm", ENDLESS, child_storm, "makes and ends environments"),
];

fn slice_hog(boot: &'static BootPage) -> Verdict {
    for _ in 0..8 {
        thread::give_time(boot.cpu, 0)?;
    }
    cpu::disable_interrupts();
    loop {
        core::hint::spin_loop();
    }
}

extern "C" fn sleep(page: u64, _: u64) -> ! {
    thread::rest(page)
}

/// Gives what is left to the virtual CPU that the argument names.
extern "C" fn give_on(_: u64, to: u64) -> ! {
    loop {
        ask(Call::YieldTo, (0, 0), &[0, to]);
    }
}

fn donation(boot: &'static BootPage) -> Verdict {
    let other = thread::make(boot.cpu, give_on, 0)?;
    give_on(0, other)
}

fn block(boot: &'static BootPage) -> Verdict {
    thread::rest(boot.event_page_physical)
}

fn stop(_boot: &'static BootPage) -> Verdict {
    works(Call::EnvironmentStop, (OWN, 0), &[own()])?;
    Err("it runs on".into())
}

extern "C" fn storm(_: u64, slot: u64) -> ! {
    loop {
        ask(Call::CapabilityDerive, (OWN, 0), &[slot, 0, 0, 0]);
        ask(Call::CapabilityDrop, (0, 0), &[slot]);
        ask(Call::CapabilityRevoke, (OWN, 0), &[slot, 1]);
    }
}

fn call_storm(boot: &'static BootPage) -> Verdict {
    thread::run(thread::other_cpu(boot.cpu), storm, 20)?;
    storm(0, 21)
}

fn bind_storm(_boot: &'static BootPage) -> Verdict {
    let first = take_run(256)?;
    loop {
        ask(Call::BindRun, (0, 0), &[0, 0, 1, first, 256]);
        ask(Call::UnbindRun, (OWN, 0), &[0, first, 256]);
    }
}

fn kick_storm(boot: &'static BootPage) -> Verdict {
    let cpu = thread::other_cpu(boot.cpu);
    let there = thread::make(cpu, sleep, 0)?;
    for position in (0..SLICE_POSITIONS as u64).cycle() {
        ask(Call::Notify, (OWN, 0), &[0, there]);
        ask(Call::SliceAllocate, (OWN, 0), &[cpu.into(), position, 0, there]);
        ask(Call::SliceFree, (OWN, 0), &[cpu.into(), position]);
    }
    Ok(())
}

fn child_storm(boot: &'static BootPage) -> Verdict {
    child::derive(9, 1)?;
    for round in 0_u64.. {
        let child = Child::new(boot, 9)?;
        // Their stacks are this environment's, and not given back.
        if round < 50 {
            child.vcpu(boot.cpu, storm, 20)?;
        }
        child.start()?;
        works(Call::EnvironmentDestroy, (9, 0), &[child.id.argument()])?;
        crate::kit::until("the child has ended", || child.has_ended())?;
        works(Call::EnvironmentForget, (9, 0), &[child.id.argument()])?;
    }
    Err("it never ends".into())
}
