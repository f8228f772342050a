//! Filling an environment's frames: image, stack, boot page, page tables.

use super::{LoadError, Module, Place};
use crate::image::{ImagePlan, Rights};
use crate::kernel::Kernel;
use crate::services::Services;
use core::mem::offset_of;
use exo_abi::ABI_VERSION;
use exo_abi::boot_page::{BootPage, ListedCapability, MAGIC};
use exo_abi::capability::rights;
use exo_abi::events::EventPage;
use exo_abi::layout::{PHYSICAL_WINDOW, STACK_SIZE, STACK_TOP};
use hv::addr::{FRAME_SIZE, FrameNumber, GuestPhysical, HostPhysical};
use hv::guest_memory::{GuestMemory, NotGuestMemory};
use hv::paging::host::{Host, HostAttributes};
use hv::paging::{TableMemory, Tree};
use hv::vmx::vcpu::EntryState;
use zerocopy::{FromZeros, IntoBytes};

/// The environment's frames, handed out from the beginning of the run; also the memory of its page tables.
struct Frames<'k> {
    memory: &'k GuestMemory,
    next: u64,
    end: u64,
}

impl Frames<'_> {
    fn take_run(&mut self, count: u64) -> Option<FrameNumber> {
        let first = FrameNumber::new(self.next)?;
        let next = self.next.checked_add(count).filter(|&next| next <= self.end)?;
        self.next = next;
        Some(first)
    }
}

impl TableMemory for Frames<'_> {
    fn read(&self, table: FrameNumber, index: usize) -> u64 {
        let mut word = [0; 8];
        // A table lies in the environment's frames, which are guest memory; anything else reads as absent.
        let _ = self.memory.read(entry_address(table, index), &mut word);
        u64::from_le_bytes(word)
    }

    fn write(&mut self, table: FrameNumber, index: usize, value: u64) {
        let _ = self.memory.write(entry_address(table, index), &value.to_le_bytes());
    }

    fn take(&mut self) -> Option<FrameNumber> {
        self.take_run(1)
    }

    fn give(&mut self, _table: FrameNumber) {}
}

fn entry_address(table: FrameNumber, index: usize) -> HostPhysical {
    HostPhysical::new(table.start().as_u64() + index as u64 * 8)
}

/// The page of a virtual address as the tree counts: 48 bits of address.
const fn page(address: u64) -> u64 {
    (address & 0xffff_ffff_ffff) / FRAME_SIZE
}

const READ_ONLY: HostAttributes =
    HostAttributes { writable: false, executable: false, user: false, global: false, uncached: false };
const WRITABLE: HostAttributes = HostAttributes { writable: true, ..READ_ONLY };
const EXECUTABLE: HostAttributes = HostAttributes { executable: true, ..READ_ONLY };

/// Fills the run and says where the environment begins.
pub(super) fn fill(
    kernel: &Kernel,
    module: &Module<'_>,
    plan: &ImagePlan<'_>,
    &Place { id, run, cpu }: &Place,
    services: &Services<'_>,
) -> Result<EntryState, LoadError> {
    let too_small = LoadError::TooSmall { frames: run.count };
    let first = FrameNumber::new(run.first).ok_or(LoadError::Inconsistent("its frames"))?;
    let mut frames = Frames { memory: &kernel.memory, next: run.first, end: run.first + run.count };
    let image = frames.take_run(plan.page_count()).ok_or(too_small)?;
    let stack = frames.take_run(STACK_SIZE / FRAME_SIZE).ok_or(too_small)?;
    let boot_page = frames.take_run(1).ok_or(too_small)?;
    let data = frames.take_run(module.data_frames()).ok_or(too_small)?;
    copy_image(&kernel.memory, plan, image)?;
    kernel.memory.write(data.start(), module.data)?;

    let mut tree = Tree::<Host>::new(&mut frames).map_err(|_| too_small)?;
    let mut map = |address: u64, first: FrameNumber, count: u64, attributes: HostAttributes| {
        tree.map(&mut frames, page(address), first, count, attributes).map_err(|_| too_small)
    };
    for index in 0..plan.page_count() {
        let (Some(part), Some(frame)) = (plan.page(index), image.checked_add(index)) else { continue };
        let attributes = match part.rights {
            Rights::Read => READ_ONLY,
            Rights::Write => WRITABLE,
            Rights::Execute => EXECUTABLE,
        };
        map(part.address, frame, 1, attributes)?;
    }
    map(STACK_TOP - STACK_SIZE, stack, STACK_SIZE / FRAME_SIZE, WRITABLE)?;
    map(PHYSICAL_WINDOW + first.start().as_u64(), first, run.count, WRITABLE)?;
    let space = services.spaces.get(id.place()).ok_or(LoadError::Inconsistent("its space"))?;
    let events = space.events[0].as_ref().ok_or(LoadError::Inconsistent("its event page"))?;
    let page_at = |offset| FrameNumber::containing(HostPhysical::new(events.read64(offset)));
    let counters = page_at(offset_of!(EventPage, counters));
    let faults = page_at(offset_of!(EventPage, fault_page));
    let mut map_window =
        |first: FrameNumber, count, attributes| map(PHYSICAL_WINDOW + first.start().as_u64(), first, count, attributes);
    map_window(counters, 1, READ_ONLY)?;
    map_window(space.page.number(), 1, READ_ONLY)?;
    map_window(faults, 1, WRITABLE)?;
    map_window(events.number(), 1, WRITABLE)?;
    for exposed in &kernel.exposed {
        map_window(exposed.first(), exposed.count(), READ_ONLY)?;
    }

    let mut content = BootPage::new_zeroed();
    content.magic = MAGIC;
    content.abi_version = ABI_VERSION;
    content.environment_index = id.index;
    content.environment_generation = id.generation;
    content.cpu = cpu.as_u32();
    content.tsc_hertz = kernel.configuration.tsc_hertz;
    content.slice_ticks = kernel.configuration.slice_ticks;
    content.physical_window = PHYSICAL_WINDOW;
    content.image_base = plan.image_base();
    content.image_size = plan.image_size();
    content.stack_bottom = STACK_TOP - STACK_SIZE;
    content.stack_top = STACK_TOP;
    content.counters_physical = counters.start().as_u64();
    content.fault_page_physical = faults.start().as_u64();
    content.event_page_physical = events.number().start().as_u64();
    content.environment_page_physical = space.page.number().start().as_u64();
    content.system_page_physical = kernel.exposed[0].start().as_u64();
    content.boot_page_physical = boot_page.start().as_u64();
    content.page_table_physical = tree.root().start().as_u64();
    content.used_frames = frames.next - run.first;
    if !module.data.is_empty() {
        content.data_physical = data.start().as_u64();
        content.data_length = module.data.len() as u64;
    }
    content.run_count = 1;
    content.runs[0] = run;
    list_capabilities(&mut content, module);
    content.name_length = put(&mut content.name, module.name);
    content.arguments_length = put(&mut content.arguments, module.arguments);
    kernel.memory.write(boot_page.start(), content.as_bytes())?;
    Ok(EntryState {
        rip: plan.entry(),
        rsp: STACK_TOP,
        page_table: GuestPhysical::new(tree.root().start().as_u64()),
        argument: PHYSICAL_WINDOW + boot_page.start().as_u64(),
        count_cr3: module.count_cr3,
    })
}

/// Lists the capabilities: its own in slot 0, then those of the manifest.
fn list_capabilities(content: &mut BootPage, module: &Module<'_>) {
    let audit = if module.audit { rights::AUDIT } else { 0 };
    let own = ListedCapability { slot: 0, rights: rights::ALL & !rights::AUDIT | audit, name: module.guard };
    let all = core::iter::once(&own).chain(module.capabilities);
    for (place, &listed) in content.capabilities.iter_mut().zip(all) {
        *place = listed;
        content.capability_count += 1;
    }
}

/// Copies a text and says how many bytes fit.
fn put(to: &mut [u8], text: &str) -> u32 {
    let bytes = text.as_bytes();
    let count = bytes.len().min(to.len());
    to[..count].copy_from_slice(&bytes[..count]);
    u32::try_from(count).unwrap_or(0)
}

/// Copies the image into its frames and writes its relocated words.
fn copy_image(memory: &GuestMemory, plan: &ImagePlan<'_>, first: FrameNumber) -> Result<(), NotGuestMemory> {
    let start = first.start().as_u64();
    for index in 0..plan.page_count() {
        if let Some(part) = plan.page(index) {
            memory.write(HostPhysical::new(start + index * FRAME_SIZE + part.offset as u64), part.bytes)?;
        }
    }
    for relocation in plan.relocations() {
        let offset = relocation.address - plan.image_base();
        memory.write(HostPhysical::new(start + offset), &relocation.value.to_le_bytes())?;
    }
    Ok(())
}
