//! The machine below the state machine: EPTs, memory, flushes, kicks, pages, the console, the time.

use crate::calls;
use crate::event_page::Events;
use crate::kernel::Kernel;
use crate::loader::prepared::Prepared;
use crate::report::{self, End};
use crate::spaces::{Space, Spaces};
use core::sync::atomic::Ordering;
use exo_abi::boot_page::FrameRun;
use exo_abi::capability::rights;
use exo_abi::console::{RECORD_MAX, Stream, header};
use exo_abi::counters::EXIT_REASONS;
use exo_abi::environment_page::EnvironmentPage;
use exo_abi::info::{EnvironmentRecord, MAX_VCPUS};
use exo_core::gates::Message;
use exo_core::machine::ReserveEmpty;
use exo_core::{Binding, EnvironmentId, Machine, VcpuStart};
use hv::addr::{FrameNumber, HostPhysical};
use hv::cpu::CpuIndex;
use hv::guest_space::GuestSpace;
use hv::page::Page;
use hv::paging::ept::{EptAttributes, Rights};
use hv::pool::{self, Account, KernelBox};
use hv::shootdown::SpaceNumber;
use hv::vmx::registers::GuestRegisters;
use hv::{cpu, output};

/// The machine, on one CPU, with the spaces in hand.
#[derive(Debug)]
pub(crate) struct Services<'k> {
    pub(crate) kernel: &'k Kernel,
    pub(crate) spaces: &'k mut Spaces,
    /// The CPU that this runs on.
    pub(crate) cpu: CpuIndex,
    /// The caller's registers, in a call.
    pub(crate) registers: Option<&'k GuestRegisters>,
}

/// The first frame of a run. The state machine names only frames that exist.
fn first(run: FrameRun) -> FrameNumber {
    FrameNumber::new(run.first).unwrap_or(FrameNumber::containing(HostPhysical::new(0)))
}

impl<'k> Services<'k> {
    pub(crate) fn new(
        kernel: &'k Kernel,
        spaces: &'k mut Spaces,
        cpu: CpuIndex,
        registers: Option<&'k GuestRegisters>,
    ) -> Self {
        Self { kernel, spaces, cpu, registers }
    }

    /// Remembers how an environment came to its end, and where it was.
    pub(crate) fn note_end(&mut self, id: EnvironmentId, end: End, rip: u64) {
        if let Some(space) = self.spaces.get_mut(id.place()).filter(|space| space.id == id) {
            space.end = space.end.or(Some((end, rip)));
        }
    }

    /// Adds the exits of a virtual CPU that has gone.
    pub(crate) fn keep_exits(&mut self, id: EnvironmentId, exits: &[u64; EXIT_REASONS]) {
        if let Some(space) = self.spaces.get_mut(id.place()).filter(|space| space.id == id) {
            space.exits.iter_mut().zip(exits).for_each(|(sum, count)| *sum += count);
        }
    }

    fn ept_rights(&self, wanted: u64) -> Option<Rights> {
        let has = |right| wanted & right != 0;
        let execute_only = self.kernel.machine.features.ept_execute_only;
        Rights::new(has(rights::READ), has(rights::WRITE), has(rights::EXECUTE), execute_only).ok()
    }

    fn attributes(&self, binding: Binding) -> Option<EptAttributes> {
        Some(EptAttributes::memory(self.ept_rights(binding.rights)?).with_tag(binding.slot))
    }

    fn withdraw(&self, account: Account) {
        if let Err(still) = pool::withdraw(&self.kernel.memory, account) {
            // A kernel bug; the frames are lost rather than shared.
            log::error!("{} metadata frames of a closed environment are in use", still.frames);
        }
    }

    fn contribute(&self, account: Account, runs: &[FrameRun]) {
        for run in runs {
            if pool::contribute(&self.kernel.memory, account, first(*run), run.count).is_err() {
                // The state machine has found them bound nowhere: a kernel bug, and the frames are lost rather than shared.
                log::error!("frames {}..+{} are not free to become metadata", run.first, run.count);
            }
        }
    }

    fn make_space(&self, id: EnvironmentId, account: Account) -> Option<KernelBox<Space>> {
        let number = SpaceNumber::new(u8::try_from(id.place()).ok()?)?;
        let mut guest = GuestSpace::new_in(&self.kernel.machine.features, account, number).ok()?;
        let Some(page) = self.furnish(&mut guest, account) else {
            self.dismantle(guest, id.place());
            return None;
        };
        let events = [const { None }; MAX_VCPUS];
        let exits = [0; EXIT_REASONS];
        let name = heapless::String::new();
        let (waited_for, count_cr3) = (false, false);
        let space = Space { id, account, guest, page, events, name, waited_for, count_cr3, end: None, exits };
        KernelBox::new_in(account, space)
    }

    /// Shows a new space all that is exposed; its environment's page. `None` where the account does not suffice for that and the box
    /// of the space.
    fn furnish(&self, guest: &mut GuestSpace, account: Account) -> Option<Page<EnvironmentPage>> {
        let page = Page::<EnvironmentPage>::new_in(account)?;
        guest.show(&page).ok()?;
        for exposed in &self.kernel.exposed {
            guest.show_run(exposed).ok()?;
        }
        (pool::available(account) != 0).then_some(page)
    }

    /// Gives back the tables of a space in which nothing is bound, and whose virtual CPUs every CPU has let go of.
    fn dismantle(&self, guest: GuestSpace, place: usize) {
        match guest.retire() {
            Ok(retired) => {
                // What may be cached is of the tables.
                let flushed = self.kernel.flush(self.cpu, 1 << place);
                if retired.dismantle(&self.kernel.memory, &flushed).is_err() {
                    log::error!("the space of a closed environment is not covered by its flush");
                }
            }
            Err(_) => log::error!("a closed environment has virtual CPUs"),
        }
    }
}

impl Machine for Services<'_> {
    fn copy_from_frames(&mut self, physical: u64, to: &mut [u8]) {
        // The state machine has found that the caller holds these frames, and it holds only guest memory; were that
        // ever wrong, the caller would get zeros, not the kernel's bytes.
        if self.kernel.memory.read(HostPhysical::new(physical), to).is_err() {
            to.fill(0);
        }
    }

    fn copy_to_frames(&mut self, physical: u64, from: &[u8]) {
        // As above: memory that is not a guest's is never written.
        let _ = self.kernel.memory.write(HostPhysical::new(physical), from);
    }

    fn scrub(&mut self, run: FrameRun) {
        let _ = self.kernel.memory.scrub(first(run), run.count);
    }

    fn can_bind(&self, rights: u64) -> bool {
        self.ept_rights(rights).is_some()
    }

    fn bind(&mut self, environment: usize, run: FrameRun, binding: Binding) -> Result<(), ReserveEmpty> {
        let attributes = self.attributes(binding).ok_or(ReserveEmpty)?;
        let space = self.spaces.get_mut(environment).ok_or(ReserveEmpty)?;
        space.guest.bind(&self.kernel.memory, first(run), run.count, attributes).map_err(|_| ReserveEmpty)
    }

    fn unbind(&mut self, environment: usize, run: FrameRun) {
        if let Some(space) = self.spaces.get_mut(environment) {
            let unbound = space.guest.unbind(first(run), run.count);
            match unbound {
                Ok(unbound) => self.spaces.departing.add(unbound),
                Err(error) => log::error!("frames {}..+{} cannot be unbound: {error:?}", run.first, run.count),
            }
            if self.spaces.departing.is_full() {
                self.flush();
            }
        }
    }

    fn change(&mut self, environment: usize, run: FrameRun, binding: Binding) {
        let Some(attributes) = self.attributes(binding) else { return };
        if let Some(space) = self.spaces.get_mut(environment) {
            match space.guest.change(first(run), run.count, attributes) {
                Ok(quarantine) => self.spaces.departing.add_rights(quarantine),
                Err(error) => log::error!("bindings {}..+{} cannot be changed: {error:?}", run.first, run.count),
            }
        }
    }

    fn binding(&self, environment: usize, frame: u64) -> Option<Binding> {
        let attributes = self.spaces.get(environment)?.guest.binding(FrameNumber::new(frame)?)?;
        Some(from_attributes(attributes))
    }

    fn next_binding(&self, environment: usize, from: u64) -> Option<(FrameRun, Binding)> {
        let space = self.spaces.get(environment)?;
        let (first, count, attributes) = space.guest.next_binding(FrameNumber::new(from)?)?;
        Some((FrameRun { first: first.number(), count }, from_attributes(attributes)))
    }

    fn flush(&mut self) {
        let reduced = self.spaces.departing.spaces();
        if reduced != 0 {
            let flushed = self.kernel.flush(self.cpu, reduced);
            self.spaces.departing.release(&self.kernel.memory, &flushed);
        }
    }

    fn kick(&mut self, cpu: u32, environment: usize) {
        if let Some(cpu) = CpuIndex::new(cpu) {
            self.kernel.kick(self.cpu, cpu, environment);
        }
    }

    fn expel(&mut self, environment: usize) {
        for cpu in (0..).map_while(CpuIndex::new).take(self.kernel.cpus()) {
            self.kernel.attention(cpu).store(true, Ordering::SeqCst);
        }
        let _ = self.kernel.flush(self.cpu, 1 << environment);
    }

    fn environment_page(&mut self, environment: usize) -> Option<&mut EnvironmentPage> {
        Some(&mut self.spaces.get_mut(environment)?.page)
    }

    fn open(&mut self, environment: EnvironmentId, reserve: &[FrameRun]) -> Result<(), ReserveEmpty> {
        let number = u16::try_from(environment.index + 1).map_err(|_| ReserveEmpty)?;
        let account = Account::new(number).ok_or(ReserveEmpty)?;
        self.contribute(account, reserve);
        match self.make_space(environment, account) {
            Some(space) => {
                self.spaces.put(environment.place(), space);
                Ok(())
            }
            None => {
                self.withdraw(account);
                Err(ReserveEmpty)
            }
        }
    }

    fn add_reserve(&mut self, environment: usize, run: FrameRun) {
        if let Some(account) = self.spaces.get(environment).map(|space| space.account) {
            self.contribute(account, &[run]);
        }
    }

    fn close(&mut self, environment: usize, _record: &EnvironmentRecord) {
        let Some(space) = self.spaces.take(environment) else { return };
        let Space { id, account, guest, page, events, name, waited_for, end, exits, .. } = KernelBox::into_inner(space);
        self.dismantle(guest, environment);
        drop((page, events));
        self.withdraw(account);
        if !name.is_empty() {
            report::print(&name, id, end, &exits);
        } else if self.spaces.may_tell_of_child() {
            report::print_child(id, end, &exits);
        }
        if waited_for {
            // There is a place for each environment.
            let _ = self.spaces.ended.push(matches!(end, Some((End::Exited(0), _))));
        }
    }

    fn create_vcpu(&mut self, start: &VcpuStart) -> Result<u64, ReserveEmpty> {
        let place = start.environment.place();
        let cpu = CpuIndex::new(start.cpu).ok_or(ReserveEmpty)?;
        let space = self.spaces.get_mut(place).ok_or(ReserveEmpty)?;
        let system = self.kernel.exposed[0].start().as_u64();
        let (prepared, events) = Prepared::new(space, start, cpu, system).ok_or(ReserveEmpty)?;
        let address = events.number().start().as_u64();
        *space.events.get_mut(start.vcpu).ok_or(ReserveEmpty)? = Some(events);
        self.kernel.prepared.lock().push(prepared).map_err(|_| ReserveEmpty)?;
        self.kernel.kick(self.cpu, cpu, place);
        Ok(address)
    }

    fn event_mask(&self, environment: usize, vcpu: usize) -> u64 {
        self.spaces.event_page(environment, vcpu).map_or(0, |page| Events(page).mask())
    }

    fn pending_events(&self, environment: usize, vcpu: usize) -> u64 {
        self.spaces.event_page(environment, vcpu).map_or(0, |page| Events(page).pending())
    }

    fn message(&self) -> Message {
        self.registers.map(calls::message).unwrap_or_default()
    }

    fn console_write(&mut self, channel: u8, stream: Stream, bytes: &[u8]) {
        for chunk in bytes.chunks(RECORD_MAX) {
            let length = u8::try_from(chunk.len()).unwrap_or(u8::MAX);
            output::write(&[&header(channel, stream, length), chunk]);
        }
    }

    fn console_read(&mut self, to: &mut [u8]) -> usize {
        self.take_input(to)
    }

    fn now(&self) -> u64 {
        cpu::tsc()
    }
}

fn from_attributes(attributes: EptAttributes) -> Binding {
    let bit = |has: bool, right: u64| if has { right } else { 0 };
    let EptAttributes { rights: ept, tag } = attributes;
    let rights =
        bit(ept.reads(), rights::READ) | bit(ept.writes(), rights::WRITE) | bit(ept.executes(), rights::EXECUTE);
    Binding { rights, slot: tag }
}
