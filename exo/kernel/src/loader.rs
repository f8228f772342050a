//! From a boot module to an environment that is ready to begin: frames, image, page tables, boot page.
//!
//! The run of frames is used from its beginning: image, stack, boot page, page tables; the rest is free.

mod fill;

use crate::image::{self, ImageError};
use crate::kernel::Kernel;
use core::fmt;
use core::num::NonZeroU16;
use exo_abi::boot_page::MAX_NAME;
use exo_abi::counters::CountersPage;
use exo_abi::layout::IMAGE_BASE;
use exo_core::environment::CreateError;
use exo_core::frames::FrameError;
use exo_core::{EnvironmentId, NewEnvironment};
use hv::addr::{FRAME_SIZE, FrameNumber, LARGE_FRAMES};
use hv::cpu::CpuIndex;
use hv::guest_memory::NotGuestMemory;
use hv::guest_space::{BindError, GuestSpace};
use hv::page::{Page, SharedPage};
use hv::paging::MapError;
use hv::paging::ept::Rights;
use hv::vmx::vcpu::EntryState;

/// A library OS as the boot loader delivers it.
#[derive(Clone, Copy, Debug)]
pub struct Module<'m> {
    /// The ELF file.
    pub image: &'m [u8],
    /// Its name in reports.
    pub name: &'m str,
    /// Frames that it gets.
    pub memory_frames: u64,
    /// The CPU that runs it; `None` where the machine has no such CPU.
    pub cpu: Option<CpuIndex>,
    /// Slices in each round.
    pub slices: u32,
    /// The run does not wait for its end.
    pub background: bool,
    /// It gets what is typed.
    pub input: bool,
    /// Its argument string.
    pub arguments: &'m str,
}

/// Why a module cannot be an environment.
#[derive(Clone, Copy, Debug)]
pub enum LoadError {
    /// The image is wrong.
    Image(ImageError),
    /// The line is wrong, or no place is left.
    Create(CreateError),
    /// Its memory cannot be had.
    Frames(FrameError),
    /// Its memory is too small for image, stack and page tables.
    TooSmall {
        /// What the line gives, in frames.
        frames: u64,
    },
    /// The machine has not the CPU that the line names.
    NoCpu,
    /// More environments than the kernel keeps.
    TooMany,
    /// The kernel's own memory does not suffice.
    NoKernelMemory,
    /// The kernel's tables contradict each other: a kernel bug, told instead of hidden.
    Inconsistent(&'static str),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => write!(f, "its image cannot be loaded: {error}"),
            Self::Create(error) => error.fmt(f),
            Self::Frames(error) => write!(f, "its memory cannot be had: {error}"),
            Self::TooSmall { frames } => {
                write!(f, "{frames} frames are too few for its image, stack and page tables")
            }
            Self::NoCpu => f.write_str("the machine has no CPU of that number"),
            Self::TooMany => f.write_str("there are too many environments"),
            Self::NoKernelMemory => f.write_str("the kernel's own memory does not suffice"),
            Self::Inconsistent(what) => write!(f, "the kernel's tables contradict each other about {what}"),
        }
    }
}

macro_rules! from {
    ($($error:ty, $pattern:pat => $value:expr;)*) => {
        $(impl From<$error> for LoadError { fn from(error: $error) -> Self { let $pattern = error; $value } })*
    };
}

from! {
    ImageError, error => Self::Image(error);
    CreateError, error => Self::Create(error);
    FrameError, error => Self::Frames(error);
    NotGuestMemory, _ => Self::Inconsistent("free memory");
    BindError, error => match error {
        BindError::Map(_) => Self::NoKernelMemory,
        BindError::NotGuestMemory(_) => Self::Inconsistent("free memory"),
    };
    MapError, _ => Self::NoKernelMemory;
}

/// An environment that its CPU can take up.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) id: EnvironmentId,
    pub(crate) cpu: CpuIndex,
    pub(crate) background: bool,
    pub(crate) name: heapless::String<MAX_NAME>,
    pub(crate) space: GuestSpace,
    pub(crate) counters: Page<CountersPage>,
    pub(crate) faults: SharedPage,
    pub(crate) vpid: NonZeroU16,
    pub(crate) entry: EntryState,
}

impl Kernel {
    /// Makes an environment that is ready to begin.
    pub(crate) fn prepare(&self, module: &Module<'_>) -> Result<Prepared, LoadError> {
        let cpu = module.cpu.ok_or(LoadError::NoCpu)?;
        let plan = image::plan(module.image, IMAGE_BASE, module.memory_frames * FRAME_SIZE)?;
        let new = NewEnvironment {
            name: module.name,
            cpu: cpu.as_u32(),
            slices: module.slices,
            background: module.background,
            input: module.input,
        };
        let alignment = if module.memory_frames >= LARGE_FRAMES { LARGE_FRAMES } else { 1 };
        let mut core = self.core.lock();
        let id = core.create(&new)?;
        let run = core.allocate(id, module.memory_frames, alignment)?.run;
        drop(core);
        let first = FrameNumber::new(run.first).ok_or(LoadError::Inconsistent("its frames"))?;
        for number in run.first..run.first + run.count {
            self.memory.scrub(FrameNumber::new(number).ok_or(LoadError::Inconsistent("its frames"))?)?;
        }
        let mut space = GuestSpace::new(&self.machine.features)?;
        space.bind(&self.memory, first, run.count, Rights::ALL)?;
        let counters = Page::<CountersPage>::new().ok_or(LoadError::NoKernelMemory)?;
        space.show(&counters)?;
        let faults = SharedPage::new().ok_or(LoadError::NoKernelMemory)?;
        space.share(&faults)?;
        let entry = fill::fill(self, module, &plan, id, run, cpu, [counters.number(), faults.number()])?;
        let vpid = u16::try_from(id.index + 1).ok().and_then(NonZeroU16::new).ok_or(LoadError::TooMany)?;
        let mut name = heapless::String::new();
        // The state machine has checked that the name fits.
        let _ = name.push_str(module.name);
        Ok(Prepared { id, cpu, background: module.background, name, space, counters, faults, vpid, entry })
    }
}
