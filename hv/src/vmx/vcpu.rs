//! A virtual CPU: a VMCS and all the state that the VMCS does not switch.

use super::active::{ActiveVcpu, Arrived};
use super::context::{Context, Counters};
use super::exit::reason;
use super::operation::Operation;
use super::registers::GuestRegisters;
use super::setup;
use super::switched::Switched;
use super::transfer::{self, Name};
use super::vmcs::Vmcs;
use crate::addr::GuestPhysical;
use crate::cpu::vector_state::VectorState;
use crate::guest_space::{GuestSpace, Occupant};
use crate::pool::{Account, KernelBox, KernelFrame};
use core::num::NonZeroU16;
use core::ptr::NonNull;

/// Where and with what a fresh vCPU begins: 64-bit ring 0, interrupts off.
#[derive(Clone, Copy, Debug)]
pub struct EntryState {
    /// First instruction.
    pub rip: u64,
    /// Stack pointer.
    pub rsp: u64,
    /// Top-level page table, in the guest's memory.
    pub page_table: GuestPhysical,
    /// What rdi holds.
    pub argument: u64,
    /// Its loads of CR3 exit, so that they are counted.
    pub count_cr3: bool,
}

/// The kernel's own memory does not suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfFrames;

/// A virtual CPU that is not on a CPU. It stays on the CPU where it was made.
#[derive(Debug)]
pub struct Vcpu {
    vmcs: Vmcs,
    context: KernelBox<Context>,
    pub(super) vector_state: VectorState,
    counters: Counters,
    _virtual_apic: KernelFrame,
    /// After all that refers to the space's tables.
    occupant: Occupant,
}

impl Vcpu {
    /// Frames that a vCPU takes from its account: VMCS, virtual-APIC page, vector state, context.
    pub const FRAMES: u64 = 4;

    /// Makes a vCPU of this space, in frames of this account. No other vCPU has its VPID or its name.
    ///
    /// # Errors
    /// [`OutOfFrames`] where the account does not suffice.
    pub fn new(
        operation: &Operation<'_>,
        space: &GuestSpace,
        account: Account,
        vpid: NonZeroU16,
        name: Name,
        counters: Counters,
        entry: &EntryState,
    ) -> Result<Self, OutOfFrames> {
        let mut vmcs = Vmcs::new(operation, account).ok_or(OutOfFrames)?;
        let virtual_apic = KernelFrame::take_from(account).ok_or(OutOfFrames)?;
        let vector_state = VectorState::new(account).ok_or(OutOfFrames)?;
        let mut current = vmcs.load(operation);
        setup::controls(&mut current, operation, space, vpid, virtual_apic.number())?;
        setup::host_state(&mut current, operation);
        setup::guest_state(&mut current, operation.machine, entry);
        if entry.count_cr3 {
            setup::exit_on_cr3_loads(&mut current);
        }
        let registers = GuestRegisters { rdi: entry.argument, ..GuestRegisters::default() };
        let switched = Switched::new(&operation.machine.features);
        let occupant = Occupant::of(space);
        // Where the preemption timer is the only one it has to be set at every entry: there is no shortcut then.
        let calls = operation.machine.deadline_timer.then(|| counters.word(usize::from(reason::VMCALL)));
        let context = Context::new(name, operation.cpu, occupant.space(), registers, switched, calls);
        let mut context = KernelBox::new_in(account, context).ok_or(OutOfFrames)?;
        context.vmcs = vmcs.address();
        transfer::register(context.name, Some(NonNull::from(&mut *context)));
        Ok(Self { vmcs, context, vector_state, counters, _virtual_apic: virtual_apic, occupant })
    }

    /// Puts the vCPU on its CPU: everything that guests share is now this one's.
    pub fn activate<'v>(&'v mut self, operation: &'v Operation<'v>) -> ActiveVcpu<'v> {
        let space = self.occupant.space();
        let Self { vmcs, context, vector_state, counters, .. } = self;
        let current = vmcs.load(operation);
        vector_state.load(context.switched.xcr0);
        context.switched.load();
        ActiveVcpu::new(current, context, vector_state, counters, operation, space)
    }

    /// Goes on with the vCPU that control has been transferred to: it is on the CPU already.
    pub fn adopt<'v>(&'v mut self, operation: &'v Operation<'v>, _arrived: Arrived) -> ActiveVcpu<'v> {
        let space = self.occupant.space();
        let Self { vmcs, context, vector_state, counters, .. } = self;
        ActiveVcpu::new(vmcs.adopt(), context, vector_state, counters, operation, space)
    }

    /// Whether this is the vCPU that control has been transferred to.
    #[must_use]
    pub fn is(&self, arrived: &Arrived) -> bool {
        arrived.name() == self.context.name
    }

    /// What it has counted: exits by basic reason, then what its user counts.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl Drop for Vcpu {
    fn drop(&mut self) {
        transfer::register(self.context.name, None);
    }
}
