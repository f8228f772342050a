//! Exit words as the manual lays them out, and that no word is without an answer.

use super::{CrAccess, DrAccess, EntryFailure, Event, EventKind, Exit, RawExit, VmxInstruction, decode, reason_name};
use crate::addr::{GuestPhysical, GuestVirtual};

fn exit(reason: u32, qualification: u64) -> RawExit {
    RawExit { reason, qualification, ..RawExit::default() }
}

#[test]
fn control_register_accesses() {
    // MOV CR4, R15; MOV RSP, CR3; LMSW of 0x1234 from memory.
    assert_eq!(decode(&exit(28, 0xf04)), Exit::CrAccess(CrAccess::MovToCr { cr: 4, register: 15 }));
    assert_eq!(decode(&exit(28, 0x413)), Exit::CrAccess(CrAccess::MovFromCr { cr: 3, register: 4 }));
    assert_eq!(decode(&exit(28, 0x20)), Exit::CrAccess(CrAccess::Clts));
    let lmsw = CrAccess::Lmsw { source: 0x1234, memory: true };
    assert_eq!(decode(&exit(28, 0x1234_0070)), Exit::CrAccess(lmsw));
}

#[test]
fn debug_register_accesses() {
    assert_eq!(decode(&exit(29, 0x307)), Exit::DrAccess(DrAccess { dr: 7, register: 3, read: false }));
    assert_eq!(decode(&exit(29, 0x916)), Exit::DrAccess(DrAccess { dr: 6, register: 9, read: true }));
}

#[test]
fn port_accesses() {
    // OUT DX, AL to 0xe9, and REP INSD from 0x1f0.
    let out = Exit::Io { port: 0xe9, size: 1, input: false, string: false, rep: false };
    assert_eq!(decode(&exit(30, 0x00e9_0000)), out);
    let rep_ins = Exit::Io { port: 0x1f0, size: 4, input: true, string: true, rep: true };
    assert_eq!(decode(&exit(30, 0x01f0_003b)), rep_ins);
}

#[test]
fn an_ept_violation_has_a_linear_address_only_where_the_cpu_says_so() {
    let raw = RawExit { guest_physical: 0x5000, guest_linear: 0xffff_8000_0000_1000, ..exit(48, 0x182 | 1 << 3) };
    let Exit::EptViolation(violation) = decode(&raw) else { panic!("not an EPT violation") };
    assert!(violation.write && !violation.read && !violation.execute && !violation.during_walk);
    assert_eq!(violation.allowed, [true, false, false]);
    assert_eq!(violation.guest_physical, GuestPhysical::new(0x5000));
    assert_eq!(violation.linear, Some(GuestVirtual::new(0xffff_8000_0000_1000)));

    let Exit::EptViolation(walk) = decode(&RawExit { qualification: 0x81, ..raw }) else { panic!("decoded otherwise") };
    assert!(walk.read && walk.during_walk);
    let Exit::EptViolation(bare) = decode(&RawExit { qualification: 0x1001, ..raw }) else {
        panic!("decoded otherwise")
    };
    assert!(bare.linear.is_none() && !bare.during_walk && bare.nmi_unblocking);
}

#[test]
fn exceptions_and_interrupts() {
    // #PF with error code 7, an NMI, and an interrupt that the exit acknowledged.
    let fault = RawExit { interruption_info: 0x8000_0b0e, interruption_error: 7, ..exit(0, 0) };
    let expected = Event { vector: 14, kind: EventKind::HardwareException, error_code: Some(7) };
    assert_eq!(decode(&fault), Exit::ExceptionOrNmi(expected));
    let nmi = RawExit { interruption_info: 0x8000_0202, interruption_error: 7, ..exit(0, 0) };
    assert_eq!(decode(&nmi), Exit::ExceptionOrNmi(Event { vector: 2, kind: EventKind::Nmi, error_code: None }));
    let interrupt = RawExit { interruption_info: 0x8000_00ef, ..exit(1, 0) };
    assert_eq!(decode(&interrupt), Exit::ExternalInterrupt { vector: 0xef });
    // An exception exit without a valid event is not taken for event 0.
    assert_eq!(decode(&exit(0, 0)), Exit::Unknown(0));
}

#[test]
fn a_cut_short_delivery_is_the_event_of_the_vectoring_word() {
    let raw = RawExit { idt_vectoring_info: 0x8000_0480, ..exit(48, 1) };
    let expected = Event { vector: 0x80, kind: EventKind::SoftwareInterrupt, error_code: None };
    assert_eq!(raw.interrupted_delivery(), Some(expected));
    assert_eq!(exit(48, 1).interrupted_delivery(), None);
}

#[test]
fn a_failed_entry_is_told_from_an_exit() {
    assert_eq!(decode(&exit(0x8000_0021, 0)), Exit::EntryFailure(EntryFailure::GuestState));
    assert_eq!(decode(&exit(0x8000_0022, 3)), Exit::EntryFailure(EntryFailure::MsrLoading { entry: 3 }));
    assert_eq!(decode(&exit(0x8000_0029, 0)), Exit::EntryFailure(EntryFailure::MachineCheck));
}

#[test]
fn instructions_by_name() {
    assert_eq!(decode(&exit(18, 0)), Exit::Vmcall);
    assert_eq!(decode(&exit(59, 0)), Exit::Vmx(VmxInstruction::Vmfunc));
    assert_eq!(decode(&exit(27, 0)), Exit::Vmx(VmxInstruction::Vmxon));
    assert_eq!(decode(&exit(35, 0)), Exit::Unknown(35));
    assert_eq!(reason_name(52), "preemption timer");
}

#[test]
fn an_injected_word_reads_back_as_the_same_event() {
    for word in 0..=0xfff_u32 {
        let word = word | 1 << 31;
        if let Some(event) = Event::from_interruption_info(word, 5) {
            assert_eq!(event.interruption_info(), word);
        } else {
            assert_eq!(word >> 8 & 7, 1, "only kind 1 is reserved");
        }
    }
    assert_eq!(Event::general_protection().interruption_info(), 0x8000_0b0d);
    assert_eq!(Event::invalid_opcode().interruption_info(), 0x8000_0306);
}
