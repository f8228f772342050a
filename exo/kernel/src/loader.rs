//! From a boot module to an environment that is ready to begin: frames, image, page tables, boot page.
//!
//! The run of frames is used from its beginning: image, stack, boot page, page tables; the rest is free.

mod fill;
pub(crate) mod prepared;

use crate::image::{self, ImageError};
use crate::kernel::Kernel;
use core::fmt;
use core::sync::atomic::Ordering;
use exo_abi::boot_page::{FrameRun, ListedCapability};
use exo_abi::capability::{Name, rights};
use exo_abi::layout::{IMAGE_BASE, STACK_TOP};
use exo_core::capability::Capability;
use exo_core::state::CreateError;
use exo_core::{EnvironmentId, NewEnvironment, VcpuStart};
use hv::addr::{FRAME_SIZE, LARGE_FRAMES};
use hv::cpu::CpuIndex;
use hv::guest_memory::NotGuestMemory;
use hv::vmx::vcpu::EntryState;

const FRAMES_IN_MEBIBYTE: u64 = (1 << 20) / FRAME_SIZE;

/// An environment that is being filled.
#[derive(Clone, Copy, Debug)]
struct Place {
    id: EnvironmentId,
    run: FrameRun,
    cpu: CpuIndex,
}

/// A library OS as the boot loader delivers it.
#[derive(Clone, Copy, Debug)]
pub struct Module<'m> {
    /// The ELF file.
    pub image: &'m [u8],
    /// A file for it; empty where there is none.
    pub data: &'m [u8],
    /// Its name in reports.
    pub name: &'m str,
    /// Frames that it gets.
    pub memory_frames: u64,
    /// The CPU that runs it; `None` where the machine has no such CPU.
    pub cpu: Option<CpuIndex>,
    /// Slices in each round.
    pub slices: u32,
    /// Frames that it can never be asked to return.
    pub guarantee_frames: u64,
    /// Frames for what the kernel keeps about it.
    pub reserve_frames: u64,
    /// The name that guards it and its frames.
    pub guard: Name,
    /// Its own capability allows audits.
    pub audit: bool,
    /// Its capabilities beside its own.
    pub capabilities: &'m [ListedCapability],
    /// Its loads of CR3 exit, so that they are counted.
    pub count_cr3: bool,
    /// The run does not wait for its end.
    pub background: bool,
    /// It gets what is typed.
    pub input: bool,
    /// Its argument string.
    pub arguments: &'m str,
}

impl Module<'_> {
    /// Frames for its data. They come on top of its memory and, like it, of its guarantee.
    fn data_frames(&self) -> u64 {
        (self.data.len() as u64).div_ceil(FRAME_SIZE)
    }

    /// Frames on top of its reserve, for the EPT tables over its data.
    fn data_reserve(&self) -> u64 {
        2 * self.data_frames().div_ceil(FRAMES_IN_MEBIBYTE)
    }
}

/// Why a module cannot be an environment.
#[derive(Clone, Copy, Debug)]
pub enum LoadError {
    /// The image is wrong.
    Image(ImageError),
    /// The line is wrong, or no place is left.
    Create(CreateError),
    /// Its memory is too small for image, stack and page tables.
    TooSmall {
        /// What the line gives, in frames.
        frames: u64,
    },
    /// The machine has not the CPU that the line names.
    NoCpu,
    /// A slot that its line names does not exist or is in use.
    Slot(u64),
    /// The kernel's tables contradict each other: a kernel bug, told instead of hidden.
    Inconsistent(&'static str),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => write!(f, "its image cannot be loaded: {error}"),
            Self::Create(error) => error.fmt(f),
            Self::TooSmall { frames } => {
                write!(f, "{frames} frames are too few for its image, stack and page tables")
            }
            Self::NoCpu => f.write_str("the machine has no CPU of that number"),
            Self::Slot(slot) => write!(f, "its slot {slot} does not exist or is in use"),
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
    NotGuestMemory, _ => Self::Inconsistent("free memory");
}

impl Kernel {
    /// Makes an environment of a module. Its CPU takes it up when it begins to run.
    ///
    /// # Errors
    /// [`LoadError`]: the image's or the line's fault, or too little memory.
    pub fn load(&self, module: &Module<'_>) -> Result<(), LoadError> {
        let cpu = module.cpu.ok_or(LoadError::NoCpu)?;
        let plan = image::plan(module.image, IMAGE_BASE, module.memory_frames * FRAME_SIZE)?;
        let frames = module.memory_frames + module.data_frames();
        let audit = if module.audit { rights::AUDIT } else { 0 };
        let new = NewEnvironment {
            name: module.name,
            guard: module.guard,
            rights: rights::ALL & !rights::AUDIT | audit,
            guarantee: module.guarantee_frames + module.data_frames(),
            background: module.background,
            input: module.input,
        };
        let alignment = if frames >= LARGE_FRAMES { LARGE_FRAMES } else { 1 };
        let id = self.with(CpuIndex::BOOT, |core, services| {
            let id = core.boot_environment(services, &new, module.reserve_frames + module.data_reserve())?;
            // Before the first virtual CPU, which is made so.
            if let Some(space) = services.spaces.get_mut(id.place()) {
                space.count_cr3 = module.count_cr3;
            }
            for listed in module.capabilities {
                let capability = Capability { name: listed.name, rights: listed.rights };
                if !core.boot_capability(id, listed.slot, capability) {
                    return Err(LoadError::Slot(listed.slot));
                }
            }
            let run = core.boot_frames(services, id, frames, alignment)?;
            // Where it begins is known once its memory is filled, which needs to know where its pages are.
            let start = VcpuStart {
                environment: id,
                vcpu: 0,
                cpu: cpu.as_u32(),
                instruction: plan.entry(),
                stack: STACK_TOP,
                page_table: 0,
                argument: None,
            };
            core.add_vcpu(services, &start).map_err(|_| CreateError::Reserve)?;
            if !core.boot_slices(services, id, 0, cpu.as_usize(), module.slices) {
                return Err(CreateError::Slices.into());
            }
            let place = Place { id, run, cpu };
            let entry = fill::fill(self, module, &plan, &place, services)?;
            self.begin_at(id, entry);
            if let Some(space) = services.spaces.get_mut(id.place()) {
                space.waited_for = !module.background;
                // The state machine has checked that the name fits.
                let _ = space.name.push_str(module.name);
            }
            core.boot_start(id);
            Ok(id)
        })?;
        if module.input {
            self.input_wanted.store(true, Ordering::Relaxed);
        }
        if !module.background {
            self.wait_for_one_more();
        }
        let name = crate::report::Word(module.name);
        log::info!("start name={name} id={id} cpu={} memory={frames}", cpu.as_u32());
        Ok(())
    }

    /// Says where the virtual CPU of a new environment begins.
    fn begin_at(&self, id: EnvironmentId, entry: EntryState) {
        let mut prepared = self.prepared.lock();
        if let Some(prepared) = prepared.iter_mut().find(|prepared| prepared.id == id) {
            prepared.entry = entry;
        }
    }
}
