//! What the kernel shows of this environment: its frames, its slices, its record, its events and what it has lost. Nobody else may
//! change any of it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::capability::Name;
use exo_user::abi::environment_page::phase;
use exo_user::abi::events::SLICE_BEGIN;
use exo_user::abi::info::{FrameRecord, SliceRecord, environment_state, frame_state};
use exo_user::{cpu, events, info};

/// What was there at the beginning, and what time has shown.
pub struct Records {
    boot: &'static BootPage,
    guard: Name,
    slices: Vec<(u32, usize, SliceRecord)>,
    /// Slices begun on this CPU at the last audit, and this environment's own.
    begun: u64,
    own: u64,
    /// The time of the last audit.
    at: u64,
}

/// No slice is longer on average than so many: its own length, grace, and the call that was under way at its end.
const LONGEST: u64 = 8;

impl Records {
    pub fn note(boot: &'static BootPage) -> Records {
        let guard = boot.capabilities().first().map(|listed| listed.name).unwrap_or_default();
        let (begun, own) = progress(boot);
        Records { boot, guard, slices: own_slices(), begun, own, at: cpu::read_tsc() }
    }

    pub fn audit(&mut self) -> Result<(), String> {
        let own = info::own_id();
        let expected = FrameRecord {
            state: frame_state::OWNED,
            flags: 0,
            owner_index: u16::try_from(own.index).unwrap_or(0),
            owner_generation: own.generation,
            binders: 1 << own.index,
            guard: self.guard,
        };
        for frame in self.boot.runs().iter().flat_map(|run| run.first..run.first + run.count) {
            let record = info::frame(frame);
            if record != Some(expected) {
                return Err(format!("frame {frame:#x}: {record:?} instead of {expected:?}"));
            }
        }
        let slices = own_slices();
        let kept = slices.iter().zip(&self.slices).all(|(now, then)| now == then) && slices.len() == self.slices.len();
        same("slices are kept", kept, true)?;
        let record = info::environment(own).ok_or("this environment has no record")?;
        same("its state", record.state, environment_state::RUNNING)?;
        same("its guard", record.guard, self.guard)?;
        same("its virtual CPUs", record.vcpus, 1)?;
        same("frames, guarantee", (record.frames, record.promised), (record.guarantee, 0))?;
        same("things lost", info::repossessed(), 0)?;
        same("requests", info::request().map(|request| request.phase), Some(phase::NONE))?;
        same("events", events::page().map(|page| page.pending & !SLICE_BEGIN), Some(0))?;
        self.share()
    }

    /// Whatever others do, this environment's turn comes once in each round of the vector.
    fn share(&mut self) -> Result<(), String> {
        let (begun, own) = progress(self.boot);
        let (others, mine) = (begun - self.begun, own - self.own);
        let spent = cpu::read_tsc() - core::mem::replace(&mut self.at, cpu::read_tsc());
        (self.begun, self.own) = (begun, own);
        if spent > (others + 1) * self.boot.slice_ticks * LONGEST {
            return Err(format!("{spent} ticks in {others} slices of {}", self.boot.slice_ticks));
        }
        if others > (mine + 1) * 64 {
            return Err(format!("{mine} slices of {others}: others have had its turn"));
        }
        Ok(())
    }
}

fn same<T: PartialEq + core::fmt::Debug>(what: &str, seen: T, wanted: T) -> Result<(), String> {
    if seen == wanted { Ok(()) } else { Err(format!("{what}: {seen:x?} instead of {wanted:x?}")) }
}

fn own_slices() -> Vec<(u32, usize, SliceRecord)> {
    let own = info::own_id();
    let cpus = info::system().map_or(0, |system| system.cpus);
    let all = (0..cpus).flat_map(|cpu| info::slices(cpu).map(move |(position, record)| (cpu, position, record)));
    all.filter(|(_, _, record)| record.owner_index == own.index && record.owner_generation == own.generation).collect()
}

/// Slices that have begun on this CPU, and those of this environment.
fn progress(boot: &BootPage) -> (u64, u64) {
    (info::slices_begun(boot.cpu).unwrap_or(0), events::page().map_or(0, |page| page.slices))
}
