//! Where the state lies: what library OSes may read, in pages of its own.

use crate::kernel::{Configuration, KernelError};
use core::sync::atomic::AtomicU64;
use exo_abi::ABI_VERSION;
use exo_abi::boot_page::FrameRun;
use exo_abi::call::{Call, LIST_MAX};
use exo_abi::capability::GATE_SLOTS;
use exo_abi::info::{
    EnvironmentRecord, FrameRecord, MAX_ENVIRONMENTS, MAX_VCPUS, SYSTEM_MAGIC, SliceVector, SystemPage,
};
use exo_core::Storage;
use exo_core::environment::Private;
use exo_core::gates::{GateWords, Mailbox, NUMBERS};
use hv::pool::{self, Exposed};
use hv::vmx::transfer::{self, TRANSFER};
use zerocopy::FromZeros;

/// How many exposed runs there are.
pub(crate) const EXPOSED: usize = 4;

/// The words that the shortcut for calls through gates uses.
const GATES: GateWords<'static> = GateWords {
    ready: &TRANSFER.ready,
    callers: &TRANSFER.callers,
    callees: &TRANSFER.callees,
    slots: &TRANSFER.slots,
};
const _: () = assert!(transfer::CALL == Call::GateCall as u64 && transfer::REPLY == Call::GateReply as u64);
const _: () = assert!(transfer::WAITING == exo_core::gates::WAITING);
const _: () = assert!(transfer::NAMES >= NUMBERS && transfer::VCPUS == MAX_VCPUS && transfer::SLOTS == GATE_SLOTS);

/// The storage, and the runs that every environment is shown, the system page first.
pub(crate) struct Allocated {
    pub(crate) storage: Storage<'static>,
    pub(crate) exposed: [Exposed; EXPOSED],
}

/// Takes the storage from the kernel's pool.
pub(crate) fn allocate(configuration: &Configuration) -> Result<Allocated, KernelError> {
    let frames = configuration.frame_limit;
    let missing = KernelError::NoFrameTable { frames };
    let cpus = configuration.cpus as u64;
    let (frame_table, frame_records) = pool::take_exposed(frames, FrameRecord::default()).ok_or(missing)?;
    let (environment_table, environments) =
        pool::take_exposed(MAX_ENVIRONMENTS as u64, EnvironmentRecord::default()).ok_or(missing)?;
    let (slice_vectors, slices) = pool::take_exposed(cpus, SliceVector::new_zeroed()).ok_or(missing)?;
    let system = SystemPage {
        magic: SYSTEM_MAGIC,
        abi_version: ABI_VERSION,
        cpus: u32::try_from(cpus).unwrap_or(0),
        tsc_hertz: configuration.tsc_hertz,
        began: configuration.began,
        slice_ticks: configuration.slice_ticks,
        grace_ticks: configuration.grace_ticks,
        frame_count: frames,
        frame_table: frame_table.start().as_u64(),
        environment_table: environment_table.start().as_u64(),
        slice_vectors: slice_vectors.start().as_u64(),
        ..SystemPage::new_zeroed()
    };
    let (system_page, system) = pool::take_exposed(1, system).ok_or(missing)?;
    let system = system.first_mut().ok_or(missing)?;
    let private = pool::take_slice(MAX_ENVIRONMENTS as u64, Private::NOBODY).ok_or(missing)?;
    let events = pool::take_slice_with((MAX_ENVIRONMENTS * MAX_VCPUS) as u64, || AtomicU64::new(0)).ok_or(missing)?;
    let mail = pool::take_slice(NUMBERS as u64, Mailbox::EMPTY).ok_or(missing)?;
    let list = pool::take_slice(LIST_MAX, FrameRun::default()).ok_or(missing)?;
    let storage =
        Storage { system, environments, private, events, slices, frames: frame_records, gates: GATES, mail, list };
    Ok(Allocated { storage, exposed: [system_page, environment_table, slice_vectors, frame_table] })
}
