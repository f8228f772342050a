//! The exokernel on this machine: the one state behind one lock, and what every CPU needs to reach.

use crate::loader::prepared::Prepared;
use crate::services::Services;
use crate::spaces::Spaces;
use crate::storage::{self, Allocated, EXPOSED};
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use exo_abi::boot_page::FrameRun;
use exo_abi::info::{MAX_ENVIRONMENTS, MAX_VCPUS};

use exo_core::Core;
use hv::addr::FrameNumber;
use hv::cpu::{CpuIndex, apic, local};
use hv::guest_memory::GuestMemory;
use hv::output::{self, Finish};
use hv::paging::Flushed;
use hv::pool::{Exposed, KernelBox};
use hv::shootdown::{SHOOTDOWN, Shootdown, SpaceNumber};
use hv::vmx::operation::Machine;
use hv::vmx::registers::GuestRegisters;
use spin::mutex::TicketMutex;
use spin::{Mutex, Once};

/// What boot has found out and been told.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// TSC ticks a second, 0 where unknown.
    pub tsc_hertz: u64,
    /// Seconds from 1970 to the moment at which the TSC was 0; 0 where unknown.
    pub began: u64,
    /// TSC ticks in a slice.
    pub slice_ticks: u64,
    /// TSC ticks of grace at a slice's end.
    pub grace_ticks: u64,
    /// CPUs that take part.
    pub cpus: usize,
    /// How the machine ends.
    pub finish: Finish,
    /// Print the last exits of every environment when it ends, not only of one that is killed.
    pub trace: bool,
    /// One more than the highest frame number.
    pub frame_limit: u64,
    /// The serial port interrupts the boot CPU when something comes.
    pub input_interrupts: bool,
}

/// Why the exokernel cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelError {
    /// The kernel's own memory does not suffice for the frame table.
    NoFrameTable {
        /// Frames that the machine has.
        frames: u64,
    },
    /// Boot names free memory that is not in the table, or names it twice.
    FreeMemory,
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFrameTable { frames } => {
                write!(f, "the kernel's own memory does not suffice for a table of {frames} frames")
            }
            Self::FreeMemory => f.write_str("the free memory is listed twice or outside the machine"),
        }
    }
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) core: Core<'static>,
    pub(crate) spaces: Spaces,
}

/// Virtual CPUs that can wait for their CPU at one time: all that there can be.
const MAX_PREPARED: usize = MAX_ENVIRONMENTS * MAX_VCPUS;

/// The exokernel.
#[derive(Debug)]
pub struct Kernel {
    /// CPUs get it in the order in which they ask: none waits longer than all others hold it once.
    pub(crate) guarded: TicketMutex<Guarded>,
    pub(crate) memory: GuestMemory,
    pub(crate) machine: &'static Machine,
    pub(crate) configuration: Configuration,
    /// What every environment is shown, the system page first.
    pub(crate) exposed: [Exposed; EXPOSED],
    /// Virtual CPUs that their CPU has not taken up yet.
    pub(crate) prepared: Mutex<heapless::Vec<KernelBox<Prepared>, MAX_PREPARED>>,
    /// Translations that CPUs may still hold.
    pub(crate) shootdown: &'static Shootdown,
    /// Somebody gets the input.
    pub(crate) input_wanted: AtomicBool,
    /// Environments that the run waits for.
    waiting: AtomicUsize,
    failed: AtomicBool,
}

static KERNEL: Once<Kernel> = Once::new();

impl Kernel {
    /// Makes the exokernel over this free memory (first frame, count).
    ///
    /// # Errors
    /// [`KernelError`] where the kernel's memory does not suffice or the memory is not as boot says.
    pub fn create(
        configuration: Configuration,
        machine: &'static Machine,
        memory: GuestMemory,
        free: impl Iterator<Item = (FrameNumber, u64)>,
    ) -> Result<&'static Self, KernelError> {
        let Allocated { storage, exposed } = storage::allocate(&configuration)?;
        let mut core = Core::new(storage);
        for (first, count) in free {
            core.declare_free(FrameRun { first: first.number(), count }).map_err(|_| KernelError::FreeMemory)?;
        }
        Ok(KERNEL.call_once(|| Self {
            guarded: TicketMutex::new(Guarded { core, spaces: Spaces::new() }),
            memory,
            machine,
            configuration,
            exposed,
            prepared: Mutex::new(heapless::Vec::new()),
            shootdown: &SHOOTDOWN,
            input_wanted: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
        }))
    }

    /// The exokernel, once it is made.
    #[must_use]
    pub fn get() -> Option<&'static Self> {
        KERNEL.get()
    }

    /// CPUs that take part.
    #[must_use]
    pub fn cpus(&self) -> usize {
        self.configuration.cpus
    }

    /// Does something with the state and the machine, alone. What ended meanwhile is told of afterwards.
    pub(crate) fn with<R>(&self, cpu: CpuIndex, body: impl FnOnce(&mut Core<'static>, &mut Services<'_>) -> R) -> R {
        self.with_registers(cpu, None, body)
    }

    /// The same for a call, whose registers may be a message.
    pub(crate) fn with_registers<R>(
        &self,
        cpu: CpuIndex,
        registers: Option<&GuestRegisters>,
        body: impl FnOnce(&mut Core<'static>, &mut Services<'_>) -> R,
    ) -> R {
        let mut guarded = self.guarded.lock();
        let Guarded { core, spaces } = &mut *guarded;
        let mut services = Services::new(self, spaces, cpu, registers);
        let result = body(core, &mut services);
        if !spaces.ended.is_empty() {
            let ended = core::mem::take(&mut spaces.ended);
            drop(guarded);
            ended.into_iter().for_each(|passed| self.ended(passed));
        }
        result
    }

    /// Whether a CPU is to look at the state before it enters a guest.
    pub(crate) fn attention(&self, cpu: CpuIndex) -> &AtomicBool {
        self.shootdown.attention(cpu.as_usize())
    }

    /// Has a CPU look at the state before it enters a guest again, for the sake of the environment at this place; one that is idle, or in
    /// a guest of that environment, wakes up for it. What others do to their own time is no reason to interrupt anybody else.
    pub(crate) fn kick(&self, from: CpuIndex, cpu: CpuIndex, place: usize) {
        // SeqCst: see `run_guest`, which publishes itself and then looks here.
        self.attention(cpu).store(true, Ordering::SeqCst);
        let space = u8::try_from(place).ok().and_then(SpaceNumber::new);
        let elsewhere = || space.is_some_and(|space| self.shootdown.is_elsewhere(cpu.as_usize(), space));
        if cpu != from && local::of(cpu).online.load(Ordering::SeqCst) && !elsewhere() {
            apic::kick(cpu);
        }
    }

    /// Has every CPU forget what was taken out of these spaces, one bit for each place.
    pub(crate) fn flush(&self, from: CpuIndex, spaces: u64) -> Flushed {
        self.shootdown.flush(from.as_usize(), spaces, |cpu| {
            if let Some(cpu) = u32::try_from(cpu).ok().and_then(CpuIndex::new) {
                apic::kick(cpu);
            }
        })
    }

    /// One more environment that the run waits for.
    pub(crate) fn wait_for_one_more(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
    }

    /// An environment that the run waits for has ended; the last one ends the machine.
    pub(crate) fn ended(&self, passed: bool) {
        if !passed {
            self.failed.store(true, Ordering::SeqCst);
        }
        if self.waiting.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.finish();
        }
    }

    /// Ends the machine at once if there is nothing to wait for.
    pub(crate) fn finish_if_nothing_to_wait_for(&self) {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            self.finish();
        }
    }

    fn finish(&self) -> ! {
        hv::cpu::interrupts::stop_others();
        let passed = !self.failed.load(Ordering::SeqCst);
        if passed {
            output::line_in_panic(format_args!("finish outcome=passed"));
        } else {
            output::line_in_panic(format_args!("finish outcome=failed reason=\"an environment failed\""));
        }
        output::finish(self.configuration.finish, passed)
    }
}
