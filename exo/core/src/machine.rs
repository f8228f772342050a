//! What the state machine needs from the machine below it.

use crate::environment::EnvironmentId;
use crate::gates::Message;
use exo_abi::boot_page::FrameRun;
use exo_abi::console::Stream;
use exo_abi::environment_page::EnvironmentPage;
use exo_abi::info::EnvironmentRecord;

/// What an EPT entry says beside the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// READ, WRITE and EXECUTE of [`exo_abi::capability::rights`].
    pub rights: u64,
    /// The environment's slot that it is bound under.
    pub slot: u8,
}

/// The metadata reserve of an environment does not suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReserveEmpty;

/// Where and with what a virtual CPU begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VcpuStart {
    /// Whose it is.
    pub environment: EnvironmentId,
    /// Which one.
    pub vcpu: usize,
    /// The CPU that runs it.
    pub cpu: u32,
    /// First instruction.
    pub instruction: u64,
    /// Stack pointer.
    pub stack: u64,
    /// Physical address of the top-level page table.
    pub page_table: u64,
    /// What rdi holds at the first instruction; `None` is the physical address of the event page.
    pub argument: Option<u64>,
}

/// The machine as the state machine sees it. Implementations do as told: every check has been made before, and what has no
/// error cannot fail. Environments are named by their index: it has been found to be somebody's.
pub trait Machine {
    /// Copies bytes out of memory that the caller can read. The range is checked; it may cross frames.
    fn copy_from_frames(&mut self, physical: u64, to: &mut [u8]);

    /// Copies bytes into memory that the caller can write. The range is checked; it may cross frames.
    fn copy_to_frames(&mut self, physical: u64, from: &[u8]);

    /// Fills frames with zeros.
    fn scrub(&mut self, run: FrameRun);

    /// Whether an EPT entry can have these rights: READ, WRITE and EXECUTE of [`exo_abi::capability::rights`] and nothing else.
    fn can_bind(&self, rights: u64) -> bool;

    /// Binds frames that are not bound there.
    ///
    /// # Errors
    /// [`ReserveEmpty`]; nothing has changed then.
    fn bind(&mut self, environment: usize, run: FrameRun, binding: Binding) -> Result<(), ReserveEmpty>;

    /// Ends bindings. CPUs may use them until the next [`flush`](Self::flush).
    fn unbind(&mut self, environment: usize, run: FrameRun);

    /// Changes what existing bindings say. CPUs may use the old ones until the next [`flush`](Self::flush).
    fn change(&mut self, environment: usize, run: FrameRun, binding: Binding);

    /// The binding of one frame.
    fn binding(&self, environment: usize, frame: u64) -> Option<Binding>;

    /// The first bindings at or above a frame that follow one another and say the same; a longer such run may come in parts.
    fn next_binding(&self, environment: usize, from: u64) -> Option<(FrameRun, Binding)>;

    /// Makes every CPU forget what was unbound or reduced since the last flush. Does nothing where there was nothing.
    fn flush(&mut self);

    /// Makes a CPU look at its slices and events, for the sake of this environment: it leaves its idleness, or its guest where that is
    /// of this environment. In somebody else's guest it stays as long as that one's slice lasts.
    fn kick(&mut self, cpu: u32, environment: usize);

    /// Makes every CPU that runs a virtual CPU of this environment leave it; when this returns, none executes an instruction of it.
    /// The caller's own CPU is in the kernel already.
    fn expel(&mut self, environment: usize);

    /// The page in which the kernel tells an environment what is asked of it.
    fn environment_page(&mut self, environment: usize) -> Option<&mut EnvironmentPage>;

    /// Begins an environment whose metadata comes from these frames, which are bound nowhere. Shows it all that is exposed.
    ///
    /// # Errors
    /// [`ReserveEmpty`] where they do not suffice; they are not used then.
    fn open(&mut self, environment: EnvironmentId, reserve: &[FrameRun]) -> Result<(), ReserveEmpty>;

    /// Adds frames, bound nowhere, to an environment's metadata.
    fn add_reserve(&mut self, environment: usize, run: FrameRun);

    /// Ends an environment that has no bindings and no virtual CPUs any more. All frames of its reserve are unused afterwards.
    /// `record` is how it ended.
    fn close(&mut self, environment: usize, record: &EnvironmentRecord);

    /// Makes a virtual CPU. It runs once its environment does and has a slice.
    ///
    /// # Errors
    /// [`ReserveEmpty`]; nothing has changed then.
    fn create_vcpu(&mut self, start: &VcpuStart) -> Result<u64, ReserveEmpty>;

    /// The mask of a virtual CPU's event page.
    fn event_mask(&self, environment: usize, vcpu: usize) -> u64;

    /// The events that are pending in a virtual CPU's event page.
    fn pending_events(&self, environment: usize, vcpu: usize) -> u64;

    /// The message of the call that is under way: the caller's general registers but rax and rsp.
    fn message(&self) -> Message;

    /// Sends bytes to the host as one environment's. `channel` is the environment's index.
    fn console_write(&mut self, channel: u8, stream: Stream, bytes: &[u8]);

    /// Takes what has been typed, as much as fits, without waiting; says how many bytes. Whatever comes later is told of by
    /// [`input_came`](crate::state::Core::input_came).
    fn console_read(&mut self, to: &mut [u8]) -> usize;

    /// The time-stamp counter.
    fn now(&self) -> u64;
}
