//! Environments that this one makes. A child has all of this environment's memory bound, so it runs the same code on the same
//! page tables: what it may do is told by its capabilities alone.

use super::neighbour::free_slice;
use super::thread::{self, Body};
use super::{OWN, ask, take_run_under, works};
use crate::hostile::Verdict;
use crate::kit::list::List;
use alloc::string::String;
use exo_user::EnvironmentId;
use exo_user::abi::boot_page::{BootPage, FrameRun};
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights;
use exo_user::abi::info::{EnvironmentRecord, environment_state, frame_state};
use exo_user::{cpu, info};

/// Frames of metadata that suffice for a child with a few virtual CPUs.
pub const RESERVE: u64 = 128;
/// Its slot for the memory that it shares.
pub const SHARED: u8 = 1;

const BINDABLE: u64 = rights::READ | rights::WRITE | rights::EXECUTE;

/// A child.
#[derive(Clone, Copy, Debug)]
pub struct Child {
    /// Its name.
    pub id: EnvironmentId,
    /// This environment's slot with MODIFY over it.
    pub authority: u8,
}

/// Makes an environment without anything, guarded by the credential's name.
///
/// # Errors
/// The kernel's refusal.
pub fn empty(credential: u8, reserve: u64) -> Result<EnvironmentId, String> {
    let first = take_run_under(credential, reserve)?;
    let list = List::new(&[(first, reserve)])?;
    works(Call::EnvironmentCreate, (credential, 0), &[list.physical(), 1]).map(EnvironmentId::from_value)
}

/// Puts this environment's name followed by one byte, with all its rights, into slot `to`.
///
/// # Errors
/// The kernel's refusal.
pub fn derive(to: u8, suffix: u8) -> Result<u64, String> {
    let all = rights::ALL;
    works(Call::CapabilityDerive, (OWN, 0), &[to.into(), all, suffix.into(), 1])
}

/// What this environment still owns of the frames that it began with, in runs of 512 at most.
pub fn own_runs(boot: &BootPage) -> impl Iterator<Item = FrameRun> + '_ {
    let pieces = boot.runs().iter().flat_map(|run| {
        let end = run.first + run.count;
        (run.first..end).step_by(512).map(move |first| FrameRun { first, count: (end - first).min(512) })
    });
    // What was given back was given back from the end.
    pieces.map(|piece| FrameRun {
        count: (piece.first..piece.first + piece.count).take_while(|&frame| is_own(frame)).count() as u64,
        ..piece
    })
}

/// Whether this environment owns a frame.
#[must_use]
pub fn is_own(frame: u64) -> bool {
    let own = info::own_id();
    info::frame(frame).is_some_and(|record| {
        record.state == frame_state::OWNED
            && u32::from(record.owner_index) == own.index
            && record.owner_generation == own.generation
    })
}

impl Child {
    /// Makes a child under the name in slot `authority`, which is below this environment's own, with that name in its slot 0 and
    /// this environment's memory. It is stopped and has no virtual CPU.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn new(boot: &BootPage, authority: u8) -> Result<Child, String> {
        let id = empty(authority, RESERVE)?;
        let child = Child { id, authority };
        works(Call::CapabilityGrant, (authority, authority), &[id.argument(), 0, rights::ALL])?;
        works(Call::CapabilityGrant, (OWN, authority), &[id.argument(), SHARED.into(), BINDABLE])?;
        for run in own_runs(boot) {
            works(Call::BindRun, (0, authority), &[id.argument(), SHARED.into(), BINDABLE, run.first, run.count])?;
        }
        Ok(child)
    }

    /// Gives it a virtual CPU on a CPU and a slice there; the slice's position.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn vcpu(&self, on: u32, body: Body, argument: u64) -> Result<u64, String> {
        self.vcpu_on(on, thread::stack(body, argument)?)
    }

    /// The same on a stack that has been made, or used before by somebody who has ended.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn vcpu_on(&self, on: u32, stack: u64) -> Result<u64, String> {
        let number = self.record().map_or(0, |record| record.vcpus);
        let table = cpu::read_cr3() & !0xfff;
        let arguments = [self.id.argument(), on.into(), thread::entry(), stack, table];
        thread::show(works(Call::VcpuCreate, (self.authority, 0), &arguments)?)?;
        for _ in 0..64 {
            let position = free_slice(on).ok_or("no free slice")?;
            let arguments = [on.into(), position, self.id.argument(), number.into()];
            if ask(Call::SliceAllocate, (OWN, self.authority), &arguments).code == 0 {
                return Ok(position);
            }
        }
        Err("somebody was always quicker to take a slice".into())
    }

    /// Lets it run.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn start(&self) -> Verdict {
        works(Call::EnvironmentStart, (self.authority, 0), &[self.id.argument()]).map(drop)
    }

    /// Its record.
    #[must_use]
    pub fn record(&self) -> Option<EnvironmentRecord> {
        info::environment(self.id)
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.record().is_none_or(|record| record.state == environment_state::ENDED)
    }
}
