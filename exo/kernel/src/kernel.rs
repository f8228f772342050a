//! The exokernel on this machine: the one state behind one lock, and what every CPU needs to reach.

use crate::loader::{LoadError, Module, Prepared};
use crate::services::Services;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use exo_abi::boot_page::FrameRun;
use exo_core::{Core, FrameRecord, FrameTable, Outcome};
use hv::addr::FrameNumber;
use hv::cpu::{CpuIndex, MAX_CPUS};
use hv::guest_memory::GuestMemory;
use hv::output::{self, Finish};
use hv::pool::{self, KernelBox};
use hv::shootdown::Shootdown;
use hv::vmx::operation::Machine;
use spin::{Mutex, Once};

/// Most environments at a time.
pub const MAX_ENVIRONMENTS: usize = 64;

/// What boot has found out and been told.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// TSC ticks a second, 0 where unknown.
    pub tsc_hertz: u64,
    /// TSC ticks in a slice.
    pub slice_ticks: u64,
    /// CPUs that take part.
    pub cpus: usize,
    /// How the machine ends.
    pub finish: Finish,
    /// Print the last exits of every environment when it ends, not only of one that is killed.
    pub trace: bool,
    /// One more than the highest frame number.
    pub frame_limit: u64,
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

/// The exokernel.
#[derive(Debug)]
pub struct Kernel {
    pub(crate) core: Mutex<Core<'static>>,
    pub(crate) memory: GuestMemory,
    pub(crate) machine: &'static Machine,
    pub(crate) configuration: Configuration,
    /// Environments that their CPU has not taken up yet.
    pub(crate) prepared: Mutex<heapless::Vec<KernelBox<Prepared>, MAX_ENVIRONMENTS>>,
    /// Translations that CPUs may still hold.
    pub(crate) shootdown: Shootdown<MAX_CPUS>,
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
        let no_table = KernelError::NoFrameTable { frames: configuration.frame_limit };
        let records = pool::take_slice(configuration.frame_limit, FrameRecord::UNUSABLE).ok_or(no_table)?;
        let mut frames = FrameTable::new(records);
        for (first, count) in free {
            let run = FrameRun { first: first.number(), count };
            frames.declare_free(run, false).map_err(|_| KernelError::FreeMemory)?;
        }
        Ok(KERNEL.call_once(|| Self {
            core: Mutex::new(Core::new(frames, configuration.cpus)),
            memory,
            machine,
            configuration,
            prepared: Mutex::new(heapless::Vec::new()),
            shootdown: Shootdown::new(),
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

    /// Makes an environment of a module. Its CPU takes it up when it begins to run.
    ///
    /// # Errors
    /// [`LoadError`]: the image's or the line's fault, or too little memory.
    pub fn load(&self, module: &Module<'_>) -> Result<(), LoadError> {
        let prepared = self.prepare(module)?;
        if !module.background {
            self.waiting.fetch_add(1, Ordering::SeqCst);
        }
        let id = prepared.id;
        let prepared = KernelBox::new(prepared).ok_or(LoadError::NoKernelMemory)?;
        self.prepared.lock().push(prepared).map_err(|_| LoadError::TooMany)?;
        log::info!(
            "start name={} id={id} cpu={} memory={}",
            module.name,
            module.cpu.map_or(0, |cpu| cpu.as_u32()),
            module.memory_frames
        );
        Ok(())
    }

    /// A CPU takes no part: the environments that it should have run end before they begin.
    pub fn without_cpu(&self, cpu: CpuIndex) {
        while let Some(prepared) = self.take_prepared(cpu) {
            let Prepared { id, background, name, .. } = KernelBox::into_inner(prepared);
            log::error!("end name={name} id={id} outcome=killed reason=\"its CPU takes no part\" rip=0x0 exits=0");
            let mut core = self.core.lock();
            if let Some(release) = core.end(id, Outcome::Killed) {
                // It has never run, so no CPU has a translation to its frames.
                core.finish_release(release);
            }
            drop(core);
            self.ended(background, false);
        }
    }

    /// An environment that was prepared for this CPU, if one is left.
    pub(crate) fn take_prepared(&self, cpu: CpuIndex) -> Option<KernelBox<Prepared>> {
        let mut prepared = self.prepared.lock();
        let index = prepared.iter().position(|prepared| prepared.cpu == cpu)?;
        Some(prepared.swap_remove(index))
    }

    /// What the state machine may ask of the machine.
    pub(crate) fn services(&self) -> Services<'_> {
        Services { memory: &self.memory }
    }

    /// An environment has ended; the last one that the run waits for ends the machine.
    pub(crate) fn ended(&self, background: bool, passed: bool) {
        if background {
            return;
        }
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
