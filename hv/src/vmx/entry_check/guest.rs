//! Checks on the guest-state area but for segments (SDM 27.3.1.1 and 27.3.1.3 to 27.3.1.5).

use super::segments::{CS, SS};
use super::{
    LONG_MODE_ACTIVE, LONG_MODE_ENABLE, PAGE_OFFSET, View, canonical, efer_without_reserved, in_width, rules,
    valid_pat, within_fixed,
};
use crate::vmx::controls::{EntryControls, PinControls, SecondaryControls};
use crate::vmx::exit::EventKind;
use crate::vmx::fields;

const PROTECTION_ENABLE: u64 = 1 << 0;
const PAGING: u64 = 1 << 31;
const PAE: u64 = 1 << 5;
const PCIDE: u64 = 1 << 17;
const TRAP_FLAG: u64 = 1 << 8;
const INTERRUPT_FLAG: u64 = 1 << 9;
const VIRTUAL_8086: u64 = 1 << 17;
const BY_STI: u32 = 1 << 0;
const BY_MOV_SS: u32 = 1 << 1;
const BY_SMI: u32 = 1 << 2;
const BY_NMI: u32 = 1 << 3;
const ACTIVE: u32 = 0;
const HALTED: u32 = 1;

impl View<'_> {
    pub(super) fn long_mode(&self) -> bool {
        self.entry(EntryControls::IA32E_MODE_GUEST)
    }

    pub(super) fn unrestricted(&self) -> bool {
        self.secondary(SecondaryControls::UNRESTRICTED_GUEST)
    }

    fn blocked(&self, by: u32) -> bool {
        self.get(fields::GUEST_INTERRUPTIBILITY_STATE) & by != 0
    }

    fn flag(&self, flag: u64) -> bool {
        self.get(fields::GUEST_RFLAGS) & flag != 0
    }

    fn injects(&self, kind: EventKind) -> bool {
        self.event().is_some_and(|event| event.kind == kind)
    }
}

fn cr0_fixed(view: &View<'_>) -> bool {
    let exempt = if view.unrestricted() { PROTECTION_ENABLE | PAGING } else { 0 };
    within_fixed(view.get(fields::GUEST_CR0), view.msrs.cr0_fixed0 & !exempt, view.msrs.cr0_fixed1)
}

fn efer_agrees(view: &View<'_>) -> bool {
    let efer = view.get(fields::GUEST_IA32_EFER);
    let active = efer & LONG_MODE_ACTIVE != 0;
    let paging = view.get(fields::GUEST_CR0) & PAGING != 0;
    !view.entry(EntryControls::LOAD_EFER)
        || active == view.long_mode() && (!paging || active == (efer & LONG_MODE_ENABLE != 0))
}

/// A single-step trap that was due must stay due while something delays it.
fn pending_single_step(view: &View<'_>) -> bool {
    const BRANCH_TRAP: u64 = 1 << 1;
    const SINGLE_STEP: u64 = 1 << 14;
    let delayed = view.blocked(BY_STI | BY_MOV_SS) || view.get(fields::GUEST_ACTIVITY_STATE) == HALTED;
    let due = view.flag(TRAP_FLAG) && view.get(fields::GUEST_IA32_DEBUGCTL) & BRANCH_TRAP == 0;
    !delayed || (view.get(fields::GUEST_PENDING_DEBUG_EXCEPTIONS) & SINGLE_STEP != 0) == due
}

rules! {
    "27.3.1.1" {
        "guest CR0 has the fixed bits" => cr0_fixed;
        "guest CR0 has PE where it has PG" => |v| {
            let cr0 = v.get(fields::GUEST_CR0);
            cr0 & PAGING == 0 || cr0 & PROTECTION_ENABLE != 0
        };
        "guest CR4 has the fixed bits" => |v| {
            within_fixed(v.get(fields::GUEST_CR4), v.msrs.cr4_fixed0, v.msrs.cr4_fixed1)
        };
        "an IA-32e guest has PG and PAE" => |v| {
            !v.long_mode() || v.get(fields::GUEST_CR0) & PAGING != 0 && v.get(fields::GUEST_CR4) & PAE != 0
        };
        "only an IA-32e guest has PCIDE" => |v| v.long_mode() || v.get(fields::GUEST_CR4) & PCIDE == 0;
        "guest CR3 is a physical address" => |v| v.get(fields::GUEST_CR3) >> 52 == 0;
        "guest DEBUGCTL's reserved bits are 0" => |v| {
            !v.entry(EntryControls::LOAD_DEBUG_CONTROLS) || v.get(fields::GUEST_IA32_DEBUGCTL) & !0xffc3 == 0
        };
        "guest DR7 has 32 bits" => |v| {
            !v.entry(EntryControls::LOAD_DEBUG_CONTROLS) || v.get(fields::GUEST_DR7) >> 32 == 0
        };
        "guest SYSENTER_ESP is canonical" => |v| canonical(v.get(fields::GUEST_IA32_SYSENTER_ESP));
        "guest SYSENTER_EIP is canonical" => |v| canonical(v.get(fields::GUEST_IA32_SYSENTER_EIP));
        "guest PAT has valid memory types" => |v| {
            !v.entry(EntryControls::LOAD_PAT) || valid_pat(v.get(fields::GUEST_IA32_PAT))
        };
        "guest EFER's reserved bits are 0" => |v| {
            !v.entry(EntryControls::LOAD_EFER) || efer_without_reserved(v.get(fields::GUEST_IA32_EFER))
        };
        "guest EFER's LMA agrees with IA-32e mode, and with LME under paging" => efer_agrees;
    }
    "27.3.1.3" {
        "guest GDTR base is canonical" => |v| canonical(v.get(fields::GUEST_GDTR_BASE));
        "guest IDTR base is canonical" => |v| canonical(v.get(fields::GUEST_IDTR_BASE));
        "guest GDTR limit has 16 bits" => |v| v.get(fields::GUEST_GDTR_LIMIT) >> 16 == 0;
        "guest IDTR limit has 16 bits" => |v| v.get(fields::GUEST_IDTR_LIMIT) >> 16 == 0;
    }
    "27.3.1.4" {
        "guest RIP is canonical in 64-bit code, else has 32 bits" => |v| {
            let rip = v.get(fields::GUEST_RIP);
            if v.long_mode() && CS.is_long(v) { canonical(rip) } else { rip >> 32 == 0 }
        };
        "guest RFLAGS' reserved bits are 0 and bit 1 is 1" => |v| {
            v.get(fields::GUEST_RFLAGS) & (!0x3f_ffff | 0x802a) == 2
        };
        "a guest in IA-32e or real mode has RFLAGS.VM = 0" => |v| {
            let protected = v.get(fields::GUEST_CR0) & PROTECTION_ENABLE != 0;
            !v.flag(VIRTUAL_8086) || !v.long_mode() && protected
        };
        "an injected interrupt needs RFLAGS.IF" => |v| {
            v.flag(INTERRUPT_FLAG) || !v.injects(EventKind::ExternalInterrupt)
        };
    }
    "27.3.1.5" {
        "guest activity state is one that the CPU has" => |v| match v.get(fields::GUEST_ACTIVITY_STATE) {
            ACTIVE => true,
            state @ 1..=3 => v.msrs.misc >> (5 + state) & 1 != 0,
            _ => false,
        };
        "a halted guest is in ring 0" => |v| {
            v.get(fields::GUEST_ACTIVITY_STATE) != HALTED || SS.privilege(v) == 0
        };
        "a guest blocked by STI or MOV SS is active" => |v| {
            v.get(fields::GUEST_ACTIVITY_STATE) == ACTIVE || !v.blocked(BY_STI | BY_MOV_SS)
        };
        "guest interruptibility's reserved bits are 0" => |v| {
            v.get(fields::GUEST_INTERRUPTIBILITY_STATE) >> 5 == 0
        };
        "a guest is not blocked by both STI and MOV SS" => |v| !(v.blocked(BY_STI) && v.blocked(BY_MOV_SS));
        "blocking by STI needs RFLAGS.IF" => |v| v.flag(INTERRUPT_FLAG) || !v.blocked(BY_STI);
        "a guest is not blocked by SMI" => |v| !v.blocked(BY_SMI);
        "an injected interrupt is not blocked by STI or MOV SS" => |v| {
            !v.blocked(BY_STI | BY_MOV_SS) || !v.injects(EventKind::ExternalInterrupt)
        };
        "an injected NMI is not blocked by MOV SS" => |v| !v.blocked(BY_MOV_SS) || !v.injects(EventKind::Nmi);
        "an injected NMI is not blocked by NMI" => |v| {
            !v.pin(PinControls::VIRTUAL_NMIS) || !v.blocked(BY_NMI) || !v.injects(EventKind::Nmi)
        };
        "guest pending debug exceptions' reserved bits are 0" => |v| {
            v.get(fields::GUEST_PENDING_DEBUG_EXCEPTIONS) & !0x1_580f == 0
        };
        "a delayed single-step trap stays pending" => pending_single_step;
        "VMCS link pointer is all ones or a page address" => |v| {
            let pointer = v.get(fields::VMCS_LINK_POINTER);
            pointer == u64::MAX || pointer & PAGE_OFFSET == 0 && in_width(v, pointer)
        };
    }
}
