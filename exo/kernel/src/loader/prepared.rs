//! A virtual CPU that its CPU has not taken up yet.

use crate::spaces::Space;
use core::mem::offset_of;
use core::num::NonZeroU16;
use exo_abi::events::EventPage;
use exo_abi::info::MAX_VCPUS;
use exo_core::{EnvironmentId, VcpuStart};
use hv::addr::GuestPhysical;
use hv::cpu::CpuIndex;
use hv::page::SharedPage;
use hv::pool::{Account, KernelBox, KernelFrame};
use hv::vmx::Counters;
use hv::vmx::vcpu::{EntryState, Vcpu};

/// What a CPU needs to make the virtual CPU.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) id: EnvironmentId,
    pub(crate) vcpu: usize,
    pub(crate) cpu: CpuIndex,
    pub(crate) account: Account,
    pub(crate) vpid: NonZeroU16,
    pub(crate) counters: Counters,
    pub(crate) faults: SharedPage,
    pub(crate) entry: EntryState,
    /// What the CPU will want of the reserve: given back to it just before, so that nobody else takes it meanwhile.
    pub(crate) held: [Option<KernelFrame>; HELD],
}

/// Frames of [`Vcpu::FRAMES`].
const HELD: usize = 4;
const _: () = assert!(HELD as u64 == Vcpu::FRAMES);

impl Prepared {
    /// Makes the pages of a virtual CPU and shows them to its environment; the second is its event page. Of the reserve it takes those
    /// three, its box, what its CPU will want, and the EPT tables by which the pages are shown. `None` where the reserve does not
    /// suffice; nothing is shown then, and nothing taken.
    pub(crate) fn new(
        space: &mut Space,
        start: &VcpuStart,
        cpu: CpuIndex,
        system_page: u64,
    ) -> Option<(KernelBox<Self>, SharedPage)> {
        let account = space.account;
        let held = core::array::from_fn(|_| KernelFrame::take_from(account));
        held.iter().all(Option::is_some).then_some(())?;
        let counters = Counters::new_in(account)?;
        let faults = SharedPage::new_in(account)?;
        let events = SharedPage::new_in(account)?;
        // What is shown cannot be taken back before the space ends: so not unless the tables and the box are sure.
        const BOX: u64 = 1;
        space.guest.can_show([counters.number(), faults.number(), events.number()], BOX).then_some(())?;
        let number = start.environment.place() * MAX_VCPUS + start.vcpu + 1;
        let entry = EntryState {
            rip: start.instruction,
            rsp: start.stack,
            page_table: GuestPhysical::new(start.page_table),
            argument: start.argument.unwrap_or(events.number().start().as_u64()),
            count_cr3: space.count_cr3,
        };
        let place = |offset, value| events.write64(offset, value);
        place(offset_of!(EventPage, counters), counters.number().start().as_u64());
        place(offset_of!(EventPage, fault_page), faults.number().start().as_u64());
        place(offset_of!(EventPage, environment_page), space.page.number().start().as_u64());
        place(offset_of!(EventPage, system_page), system_page);
        place(offset_of!(EventPage, environment_index), start.environment.to_argument());
        place(offset_of!(EventPage, vcpu), start.vcpu as u64 | u64::from(start.cpu) << 32);
        let shown = space.guest.show(&counters).and_then(|()| {
            space.guest.share(&faults)?;
            space.guest.share(&events)
        });
        shown.ok()?;
        let vpid = u16::try_from(number).ok().and_then(NonZeroU16::new)?;
        let prepared =
            Self { id: start.environment, vcpu: start.vcpu, cpu, account, vpid, counters, faults, entry, held };
        Some((KernelBox::new_in(account, prepared)?, events))
    }
}
