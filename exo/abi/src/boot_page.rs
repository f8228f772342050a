//! The page that tells a new environment all it may know. Its address in the physical window is in rdi at
//! the first instruction; the environment owns the frame.

use crate::capability::Name;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// First word of a boot page.
pub const MAGIC: u64 = u64::from_le_bytes(*b"Ravelin\0");
/// Most runs of frames that a boot page can list.
pub const MAX_RUNS: usize = 64;
/// Most bytes of arguments.
pub const MAX_ARGUMENTS: usize = 2048;
pub use crate::info::MAX_NAME;
/// Most capabilities that a boot page can list.
pub const MAX_CAPABILITIES: usize = 16;

/// A capability that the manifest has put into a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ListedCapability {
    /// The slot.
    pub slot: u64,
    /// Its rights, bits of [`crate::capability::rights`].
    pub rights: u64,
    /// Its name.
    pub name: Name,
}

/// A run of consecutive frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FrameRun {
    /// Number of the first frame (guest-physical address / 4096; the same as host-physical).
    pub first: u64,
    /// How many frames.
    pub count: u64,
}

/// What a new environment is told. All addresses are bytes; unused array elements are zero.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct BootPage {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`crate::ABI_VERSION`] of the kernel.
    pub abi_version: u32,
    /// Index of this environment.
    pub environment_index: u32,
    /// Generation of this environment's index: an index is reused, a pair never.
    pub environment_generation: u32,
    /// The CPU that this environment's first vCPU runs on.
    pub cpu: u32,
    /// TSC ticks a second, 0 if the kernel could not find out.
    pub tsc_hertz: u64,
    /// Length of a slice in TSC ticks.
    pub slice_ticks: u64,
    /// Virtual address of the physical window, see [`crate::layout::PHYSICAL_WINDOW`].
    pub physical_window: u64,
    /// Lowest virtual address of the loaded image.
    pub image_base: u64,
    /// Bytes from `image_base` to the image's end.
    pub image_size: u64,
    /// Lowest mapped virtual address of the initial stack.
    pub stack_bottom: u64,
    /// Virtual address just above the initial stack.
    pub stack_top: u64,
    /// Physical address of the [`CountersPage`](crate::counters::CountersPage), mapped read-only.
    pub counters_physical: u64,
    /// Physical address of the [`FaultPage`](crate::fault_page::FaultPage), mapped writable.
    pub fault_page_physical: u64,
    /// Physical address of the [`EventPage`](crate::events::EventPage), mapped writable.
    pub event_page_physical: u64,
    /// Physical address of the [`EnvironmentPage`](crate::environment_page::EnvironmentPage), mapped read-only.
    pub environment_page_physical: u64,
    /// Physical address of the [`SystemPage`](crate::info::SystemPage), mapped read-only like all that it names.
    pub system_page_physical: u64,
    /// Physical address of this page.
    pub boot_page_physical: u64,
    /// Physical address of the initial top-level page table (CR3).
    pub page_table_physical: u64,
    /// How many frames at the start of `runs[0]` are in use already (page tables, image, stack, this page, data);
    /// all others of `runs` are free for the environment to use.
    pub used_frames: u64,
    /// Physical address of the file that the manifest gives the environment, 0 where it gives none. Its frames, in one run, are among
    /// the first `used_frames`.
    pub data_physical: u64,
    /// How many bytes it has.
    pub data_length: u64,
    /// How many elements of `runs` are valid.
    pub run_count: u32,
    /// How many bytes of `arguments` are valid.
    pub arguments_length: u32,
    /// How many bytes of `name` are valid.
    pub name_length: u32,
    /// How many elements of `capabilities` are valid.
    pub capability_count: u32,
    /// The environment's name, as the manifest gives it.
    pub name: [u8; MAX_NAME],
    /// The frames that the environment owns.
    pub runs: [FrameRun; MAX_RUNS],
    /// The capabilities in the environment's slots. The first, in slot 0, is its own: it guards the environment and its frames.
    pub capabilities: [ListedCapability; MAX_CAPABILITIES],
    /// The argument string of the manifest, UTF-8.
    pub arguments: [u8; MAX_ARGUMENTS],
}

impl BootPage {
    /// The environment's name.
    #[must_use]
    pub fn name(&self) -> &str {
        text(&self.name, self.name_length)
    }

    /// The argument string of the manifest.
    #[must_use]
    pub fn arguments(&self) -> &str {
        text(&self.arguments, self.arguments_length)
    }

    /// The capabilities in the environment's slots.
    #[must_use]
    pub fn capabilities(&self) -> &[ListedCapability] {
        let count = usize::try_from(self.capability_count).unwrap_or(MAX_CAPABILITIES);
        &self.capabilities[..count.min(MAX_CAPABILITIES)]
    }

    /// The runs of frames that the environment owns.
    #[must_use]
    pub fn runs(&self) -> &[FrameRun] {
        let count = usize::try_from(self.run_count).unwrap_or(MAX_RUNS);
        &self.runs[..count.min(MAX_RUNS)]
    }
}

fn text(bytes: &[u8], length: u32) -> &str {
    let length = usize::try_from(length).unwrap_or(0).min(bytes.len());
    core::str::from_utf8(&bytes[..length]).unwrap_or("")
}
