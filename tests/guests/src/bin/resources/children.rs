//! Children that do as they should, and others.

use crate::time::wait_looking;
use crate::{Outcome, must, text};
use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::info::{environment_outcome, frame_state};
use exo_user::capability::{Capability, rights};
use exo_user::environment::{Child, Ended, Plan};
use exo_user::frames::{self, OwnedFrames, Wanted};
use exo_user::{call, cpu, info, println};

/// The parent has changed it before; a child must find it as the image has it.
static FRESH: AtomicU64 = AtomicU64::new(0x1234);

pub const EXITED: fn(u32) -> Ended = |status| Ended { outcome: environment_outcome::EXITED, status };

fn greet(boot: &'static BootPage) -> u32 {
    let sound = FRESH.load(Ordering::Relaxed) == 0x1234
        && boot.arguments() == "of mine"
        && info::environment(info::own_id()).is_some_and(|record| record.name_length == 5)
        && frames::available() > 100
        && exo_user::counters().slices > 0;
    println!("{}: {}", boot.name(), if sound { "all is here" } else { "something is missing" });
    if sound { 42 } else { 1 }
}

fn free_frames() -> usize {
    info::free_frames().count()
}

pub fn one(boot: &'static BootPage) -> Outcome {
    FRESH.store(1, Ordering::Relaxed);
    let free = free_frames();
    let child = Child::new(&Plan { arguments: "of mine", ..Plan::new("small", boot.cpu, greet) }).map_err(text)?;
    let runs = child.frames().runs().to_vec();
    must(child.record().is_some_and(|record| record.parent_index == info::own_id().index), "its parent is another")?;
    child.start().map_err(text)?;
    let ended = child.wait(0);
    must(ended == Some(EXITED(42)), &format!("it ended as {ended:?}"))?;
    let id = child.id();
    drop(child);
    must(info::environment(id).is_none_or(|record| record.state == 0), "it is remembered")?;
    for run in runs {
        must(
            info::frame(run.first).is_some_and(|record| record.state == frame_state::FREE),
            "its frames are not free",
        )?;
    }
    must(free_frames() + 64 > free, &format!("{} frames are gone", free - free_frames()))
}

fn parent(boot: &'static BootPage) -> u32 {
    let plan = Plan { arguments: "of mine", ..Plan::new("small", boot.cpu, greet) };
    let run = || -> Result<Option<Ended>, alloc::string::String> {
        let child = Child::new(&plan).map_err(text)?;
        child.start().map_err(text)?;
        Ok(child.wait(0))
    };
    match run() {
        Ok(Some(Ended { outcome: environment_outcome::EXITED, status })) => status + 1,
        other => {
            println!("the grandchild: {other:?}");
            1
        }
    }
}

pub fn grandchild(boot: &'static BootPage) -> Outcome {
    // For the metadata of the grandchild.
    let guarantee = Plan::new("small", boot.cpu, greet).reserve;
    let child = Child::new(&Plan { guarantee, ..Plan::new("middle", boot.cpu, parent) }).map_err(text)?;
    child.start().map_err(text)?;
    let ended = child.wait(0);
    must(ended == Some(EXITED(43)), &format!("it ended as {ended:?}"))
}

fn touch_what_is_not_its_own(_boot: &'static BootPage) -> u32 {
    // SAFETY: the kernel must stop the access.
    unsafe { frames::window(0x20_0000).read_volatile().into() }
}

pub fn faulty(boot: &'static BootPage) -> Outcome {
    let child = Child::new(&Plan::new("faulty", boot.cpu, touch_what_is_not_its_own)).map_err(text)?;
    child.start().map_err(text)?;
    let ended = child.wait(0);
    // Its window has no page there; its own handler prints and exits. With one, the kernel ends it.
    let fair = matches!(ended, Some(Ended { outcome: environment_outcome::EXITED | environment_outcome::KILLED, .. }));
    must(fair, &format!("it ended as {ended:?}"))
}

fn endless(_boot: &'static BootPage) -> u32 {
    loop {
        core::hint::spin_loop();
    }
}

pub fn stopped(boot: &'static BootPage) -> Outcome {
    let child = Child::new(&Plan::new("endless", boot.cpu, endless)).map_err(text)?;
    let ticks = || child.record().map_or(0, |record| record.ticks);
    child.start().map_err(text)?;
    let deadline = cpu::read_tsc() + 1000 * boot.slice_ticks;
    must(wait_looking(boot, deadline, || ticks() > 0), "it does not run")?;
    child.stop().map_err(text)?;
    let before = ticks();
    for _ in 0..5 {
        call::yield_slice();
    }
    must(ticks() == before, "it runs although it is stopped")?;
    must(child.stop().is_err(), "it is stopped twice")?;
    child.start().map_err(text)?;
    must(wait_looking(boot, deadline, || ticks() > before), "it does not run again")?;
    child.destroy().map_err(text)?;
    let ended = child.wait(0).map(|ended| ended.outcome);
    must(ended == Some(environment_outcome::DESTROYED), &format!("it ended as {ended:?}"))
}

fn double(boot: &'static BootPage) -> u32 {
    let Some(frame) = boot.arguments().parse::<u64>().ok() else { return 1 };
    let word = frames::window(frame * 4096).cast::<AtomicU64>();
    if frames::extend_window(exo_user::abi::boot_page::FrameRun { first: frame, count: 1 }).is_err() {
        return 2;
    }
    // SAFETY: the parent has bound this frame here, and both sides use it as atomic words.
    let word = unsafe { &*word };
    word.store(word.load(Ordering::SeqCst) * 2, Ordering::SeqCst);
    0
}

/// One frame in two environments; the parent takes it back while the child lives.
pub fn shared(boot: &'static BootPage) -> Outcome {
    let guard = alloc::sync::Arc::new(Capability::own().derive(b"s", rights::ALL).map_err(text)?);
    let mut page = OwnedFrames::take(alloc::sync::Arc::clone(&guard), Wanted::any(1)).map_err(text)?;
    let first = page.runs()[0].first;
    // SAFETY: nobody else has the frame yet.
    let word = unsafe { &*page.pointer(0).ok_or("no pointer")?.cast::<AtomicU64>() };
    word.store(21, Ordering::SeqCst);
    let arguments = format!("{first}");
    // SAFETY: what is below this name is used as atomic words only.
    let grants: Vec<_> =
        [unsafe { exo_user::environment::Grant::new(&guard, rights::READ | rights::WRITE) }].into_iter().collect();
    let plan = Plan { arguments: &arguments, grants: &grants, ..Plan::new("sharer", boot.cpu, double) };
    let child = Child::new(&plan).map_err(text)?;
    page.share(child.id(), 1, rights::READ | rights::WRITE, Capability::own()).map_err(text)?;
    must(page.bytes(0).is_none(), "a shared frame is a reference's")?;
    let binders = info::frame(first).map_or(0, |record| record.binders.count_ones());
    must(binders == 2, &format!("{binders} environments have it"))?;
    child.start().map_err(text)?;
    let ended = child.wait(0);
    must(ended == Some(EXITED(0)), &format!("it ended as {ended:?}"))?;
    must(word.load(Ordering::SeqCst) == 42, "the child wrote something else")?;
    drop(child);
    let binders = info::frame(first).map_or(0, |record| record.binders.count_ones());
    must(binders == 1, &format!("{binders} environments have it afterwards"))
}
