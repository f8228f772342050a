//! Environments over which it has no authority, and its own.

use super::{Case, EXITS, Outcome, Verdict};
use crate::kit::child::{self, Child};
use crate::kit::neighbour::witness;
use crate::kit::{OWN, ask, fails, fails_at, must, own, same, take_run, thread, until, works};
use alloc::format;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights::READ;
use exo_user::abi::error::Error;
use exo_user::abi::info::{environment_outcome, environment_state, frame_state};
use exo_user::{call, frames, info};

pub const CASES: &[Case] = &[
    Case::new("rule-neighbour", EXITS, rule, "starts, stops, ends, names and calls a neighbour"),
    Case::new("destroy-parent", EXITS, parent, "has a child try to end its parent and take its memory"),
    Case::new("destroy-itself", Outcome::Destroyed, destroy_itself, "ends itself by name"),
    Case::new("name-forgery", EXITS, forgery, "calls itself what reads like a line of the kernel's log"),
    Case::new("name-garbage", EXITS, names, "gives itself names that are none"),
    Case::new("guarantee-theft", EXITS, guarantee, "moves guarantees that nobody has"),
    Case::new("garbage-vcpu", EXITS, vcpu, "makes virtual CPUs that cannot begin"),
    Case::new("bind-while-ending", EXITS, ending, "binds frames in an environment that ends on another CPU"),
    Case::new("end-while-running", EXITS, running, "ends an environment that makes calls on every CPU"),
    Case::new("recycled-frame", EXITS, recycled, "reads frames that others have had, and frames that were metadata"),
];

const CHILD: u8 = 9;

fn rule(_boot: &'static BootPage) -> Verdict {
    let other = witness()?;
    let name = other.argument();
    for (call, arguments) in [
        (Call::EnvironmentStart, &[name][..]),
        (Call::EnvironmentStop, &[name]),
        (Call::EnvironmentDestroy, &[name]),
        (Call::EnvironmentForget, &[name]),
        (Call::EnvironmentName, &[name, 0, 0]),
        (Call::GuaranteeMove, &[name, 1, 1]),
        (Call::GuaranteeMove, &[name, 0, 0]),
        (Call::VcpuCreate, &[name, 0, 0, 0, 0]),
        (Call::Notify, &[name, 0]),
        (Call::ClaimSlice, &[name, other.slice.0.into(), other.slice.1]),
    ] {
        fails(call, (OWN, 0), arguments, Error::Underprivileged)?;
    }
    Ok(())
}

static SEEN: AtomicU64 = AtomicU64::new(0);

/// What a child does to its parent, whose name is the argument. It counts what it was refused.
extern "C" fn attack(page: u64, parent: u64) -> ! {
    let refused =
        |call, arguments: &[u64]| u64::from(ask(call, (0, 0), arguments).code == Error::Underprivileged.number());
    let mut count = 0;
    for call in [Call::EnvironmentStop, Call::EnvironmentDestroy, Call::EnvironmentForget] {
        count += refused(call, &[parent]);
    }
    count += refused(Call::GuaranteeMove, &[parent, 1, 1]);
    count += refused(Call::VcpuCreate, &[parent, 0, 0, 0, 0]);
    count += refused(Call::CapabilityGrant, &[parent, 20, 0]);
    count += refused(Call::BindRun, &[parent, 0, READ, 0x300, 1]);
    SEEN.store(count, Ordering::SeqCst);
    ask(Call::Exit, (0, 0), &[5]);
    thread::rest(page)
}

fn parent(boot: &'static BootPage) -> Verdict {
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    child.vcpu(boot.cpu, attack, own())?;
    child.start()?;
    until("the child has ended", || child.has_ended())?;
    same("attempts that were refused", SEEN.load(Ordering::SeqCst), 7)?;
    let record = child.record().ok_or("no record")?;
    same("how it ended", (record.outcome, record.status), (environment_outcome::EXITED, 5))
}

fn destroy_itself(_boot: &'static BootPage) -> Verdict {
    works(Call::EnvironmentDestroy, (OWN, 0), &[own()]).map(drop)
}

fn named(name: &[u8]) -> Result<[u64; 3], alloc::string::String> {
    let mut frame = frames::allocate().ok_or("no frame")?;
    frame.bytes()[..name.len()].copy_from_slice(name);
    Ok([own(), frame.leak(), name.len() as u64])
}

/// The harness goes by what environments were called at the start; a name must stay one word of the line.
fn forgery(_boot: &'static BootPage) -> Verdict {
    works(Call::EnvironmentName, (OWN, 0), &named(b"w id=0.1 outcome=exited status=1")?).map(drop)
}

fn names(_boot: &'static BootPage) -> Verdict {
    for name in
        [&b""[..], b"a\nb", b"a\"b", b"\\", b"\x1b[2J", b"\xff\xfe", b"\xc3", b"a\0", b"\x7f", "\u{85}".as_bytes()]
    {
        fails(Call::EnvironmentName, (OWN, 0), &named(name)?, Error::BadArgument)?;
    }
    fails(Call::EnvironmentName, (OWN, 0), &named(&[b'a'; 33])?, Error::TooLong)?;
    works(Call::EnvironmentName, (OWN, 0), &named(&[b'a'; 32])?).map(drop)
}

fn guarantee(boot: &'static BootPage) -> Verdict {
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?.id.argument();
    let mine = info::environment(info::own_id()).map_or(0, |record| record.guarantee);
    for frames in [mine + 1, u64::MAX, u64::MAX - mine + 1] {
        fails_at(Call::GuaranteeMove, (CHILD, 0), &[child, frames, 0], Error::GuaranteeExceeded, mine)?;
        fails_at(Call::GuaranteeMove, (CHILD, 0), &[child, frames, 1], Error::GuaranteeExceeded, 0)?;
    }
    for direction in [2, u64::MAX] {
        fails(Call::GuaranteeMove, (CHILD, 0), &[child, 1, direction], Error::BadArgument)?;
    }
    same("moved there", works(Call::GuaranteeMove, (CHILD, 0), &[child, mine, 0])?, mine)?;
    fails_at(Call::GuaranteeMove, (CHILD, 0), &[child, mine + 1, 1], Error::GuaranteeExceeded, mine)?;
    same("moved back", works(Call::GuaranteeMove, (CHILD, 0), &[child, mine, 1])?, 0)?;
    // To itself it is no gain.
    works(Call::GuaranteeMove, (OWN, 0), &[0, mine, 0])?;
    let after = info::environment(info::own_id()).map_or(0, |record| record.guarantee);
    same("the guarantee in the end", after, mine)
}

fn vcpu(boot: &'static BootPage) -> Verdict {
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    let name = child.id.argument();
    let cpus = info::system().map_or(1, |system| u64::from(system.cpus));
    let memory = info::frame_count() << 12;
    for (arguments, error) in [
        ([name, cpus, 0, 0, 0], Error::NoSuchCpu),
        ([name, u64::MAX, 0, 0, 0], Error::NoSuchCpu),
        ([name, 1 << 32, 0, 0, 0], Error::NoSuchCpu),
        ([name, 0, 1 << 47, 0, 0], Error::BadArgument),
        ([name, 0, 0, 0xffff_7fff_ffff_ffff, 0], Error::BadArgument),
        ([name, 0, 0, 0, 1], Error::BadArgument),
        ([name, 0, 0, 0, memory], Error::BadArgument),
        ([name, 0, 0, 0, 1 << 63], Error::BadArgument),
    ] {
        fails(Call::VcpuCreate, (CHILD, 0), &arguments, error)?;
    }
    // A page table in the kernel's memory is the child's own end, and nobody else's.
    works(Call::VcpuCreate, (CHILD, 0), &[name, boot.cpu.into(), 0x1000, 0x2000, 0x20_0000])?;
    let position = crate::kit::neighbour::free_slice(boot.cpu).ok_or("no free slice")?;
    works(Call::SliceAllocate, (OWN, CHILD), &[boot.cpu.into(), position, name, 0])?;
    child.start()?;
    until("the child has ended", || child.has_ended())?;
    same("how it ended", child.record().map(|record| record.outcome), Some(environment_outcome::KILLED))
}

static VICTIM: AtomicU64 = AtomicU64::new(0);

extern "C" fn destroy_soon(page: u64, rounds: u64) -> ! {
    for _ in 0..rounds {
        call::yield_slice();
    }
    ask(Call::EnvironmentDestroy, (CHILD, 0), &[VICTIM.load(Ordering::SeqCst)]);
    thread::rest(page)
}

fn ending(boot: &'static BootPage) -> Verdict {
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    let name = child.id.argument();
    VICTIM.store(name, Ordering::SeqCst);
    let first = take_run(64)?;
    thread::run(thread::other_cpu(boot.cpu), destroy_soon, 3)?;
    let (mut bound, mut refused) = (0_u64, 0_u64);
    while refused < 10 {
        let reply = ask(Call::BindRun, (0, CHILD), &[name, child::SHARED.into(), READ, first, 64]);
        match Error::from_number(reply.code) {
            None => bound += 1,
            Some(Error::NoSuchEnvironment) => refused += 1,
            Some(other) => return Err(format!("binding in an environment that ends: {other:?}")),
        }
        let _ = ask(Call::UnbindRun, (OWN, CHILD), &[name, first, 64]);
    }
    until("the child has ended", || child.has_ended())?;
    let binders = (first..first + 64).filter_map(info::frame).fold(0, |all, record| all | record.binders);
    same("binders that are left", binders, 0)?;
    exo_user::println!("bound {bound} times until it ended");
    works(Call::FreeRun, (OWN, 0), &[first, 64]).map(drop)
}

extern "C" fn storm(_: u64, _: u64) -> ! {
    loop {
        ask(Call::CapabilityDerive, (0, 0), &[20, 0, 0, 0]);
        ask(Call::CapabilityDrop, (0, 0), &[20]);
    }
}

fn running(boot: &'static BootPage) -> Verdict {
    child::derive(CHILD, 1)?;
    let cpus = info::system().map_or(1, |system| system.cpus);
    for _ in 0..3 {
        let child = Child::new(boot, CHILD)?;
        for cpu in 0..cpus {
            child.vcpu(cpu, storm, 0)?;
        }
        child.start()?;
        until("the child has run", || child.record().is_some_and(|record| record.ticks != 0))?;
        works(Call::EnvironmentDestroy, (CHILD, 0), &[child.id.argument()])?;
        until("the child has ended", || child.has_ended())?;
        let record = child.record().ok_or("no record")?;
        same("what is left to it", (record.frames, record.reserve, record.slices, record.vcpus), (0, 0, 0, 0))?;
        same("its state", record.state, environment_state::ENDED)?;
        works(Call::EnvironmentForget, (CHILD, 0), &[child.id.argument()])?;
    }
    Ok(())
}

/// Looks for anything but zeros in frames that the caller has just allocated.
fn zeros(first: u64, count: u64) -> Verdict {
    works(Call::BindRun, (0, 0), &[0, 0, READ, first, count])?;
    for frame in first..first + count {
        exo_user::frames::extend_window(exo_user::abi::boot_page::FrameRun { first: frame, count: 1 })
            .map_err(|error| format!("{error}"))?;
        for index in 0..512 {
            // SAFETY: the frame is bound and mapped in the window.
            let word = unsafe { frames::window(frame << 12).cast::<u64>().add(index).read_volatile() };
            if word != 0 {
                return Err(format!("frame {frame:#x} holds {word:#x} of somebody else's"));
            }
        }
    }
    works(Call::UnbindRun, (OWN, 0), &[0, first, count]).map(drop)
}

fn recycled(boot: &'static BootPage) -> Verdict {
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    child.vcpu(boot.cpu, storm, 0)?;
    child.start()?;
    until("the child has run", || child.record().is_some_and(|record| record.ticks != 0))?;
    let metadata = |number: &u64| {
        info::frame(*number)
            .is_some_and(|it| it.state == frame_state::KERNEL && u32::from(it.owner_index) == child.id.index)
    };
    let first = (0..info::frame_count()).find(metadata).ok_or("the child has no metadata")?;
    works(Call::EnvironmentDestroy, (CHILD, 0), &[child.id.argument()])?;
    until("the child has ended", || child.has_ended())?;
    let reply = ask(Call::AllocateRun, (OWN, 0), &[first, child::RESERVE]);
    // Somebody else may have been quicker; what he had goes through the same.
    let first = if reply.code == 0 { first } else { take_run(child::RESERVE)? };
    must("what was metadata was scrubbed", reply.code != 0 || reply.value == child::RESERVE)?;
    zeros(first, child::RESERVE)
}
