//! Checks on the host-state area (SDM 27.2.2 to 27.2.4).

use super::{
    LONG_MODE_ACTIVE, LONG_MODE_ENABLE, View, canonical, efer_without_reserved, rules, valid_pat, within_fixed,
};
use crate::vmx::controls::{EntryControls, ExitControls};
use crate::vmx::fields::{self, Field};

/// Privilege level and table indicator of a selector.
const RPL_AND_TI: u16 = 7;

fn ring_0_of_gdt(view: &View<'_>, selector: Field<u16>) -> bool {
    view.get(selector) & RPL_AND_TI == 0
}

fn efer_agrees(view: &View<'_>) -> bool {
    let long = LONG_MODE_ENABLE | LONG_MODE_ACTIVE;
    let expected = if view.exit(ExitControls::HOST_ADDRESS_SPACE_SIZE) { long } else { 0 };
    !view.exit(ExitControls::LOAD_EFER) || view.get(fields::HOST_IA32_EFER) & long == expected
}

rules! {
    "27.2.2" {
        "host CR0 has the fixed bits" => |v| {
            within_fixed(v.get(fields::HOST_CR0), v.msrs.cr0_fixed0, v.msrs.cr0_fixed1)
        };
        "host CR4 has the fixed bits" => |v| {
            within_fixed(v.get(fields::HOST_CR4), v.msrs.cr4_fixed0, v.msrs.cr4_fixed1)
        };
        "host CR3 is a physical address" => |v| v.get(fields::HOST_CR3) >> 52 == 0;
        "host SYSENTER_ESP is canonical" => |v| canonical(v.get(fields::HOST_IA32_SYSENTER_ESP));
        "host SYSENTER_EIP is canonical" => |v| canonical(v.get(fields::HOST_IA32_SYSENTER_EIP));
        "host PAT has valid memory types" => |v| {
            !v.exit(ExitControls::LOAD_PAT) || valid_pat(v.get(fields::HOST_IA32_PAT))
        };
        "host EFER's reserved bits are 0" => |v| {
            !v.exit(ExitControls::LOAD_EFER) || efer_without_reserved(v.get(fields::HOST_IA32_EFER))
        };
        "host EFER's LME and LMA agree with the host address-space size" => efer_agrees;
    }
    "27.2.3" {
        "host CS selector has RPL 0 and TI 0" => |v| ring_0_of_gdt(v, fields::HOST_CS_SELECTOR);
        "host SS selector has RPL 0 and TI 0" => |v| ring_0_of_gdt(v, fields::HOST_SS_SELECTOR);
        "host DS selector has RPL 0 and TI 0" => |v| ring_0_of_gdt(v, fields::HOST_DS_SELECTOR);
        "host ES selector has RPL 0 and TI 0" => |v| ring_0_of_gdt(v, fields::HOST_ES_SELECTOR);
        "host FS selector has RPL 0 and TI 0" => |v| ring_0_of_gdt(v, fields::HOST_FS_SELECTOR);
        "host GS selector has RPL 0 and TI 0" => |v| ring_0_of_gdt(v, fields::HOST_GS_SELECTOR);
        "host TR selector has RPL 0 and TI 0" => |v| ring_0_of_gdt(v, fields::HOST_TR_SELECTOR);
        "host CS selector is not null" => |v| v.get(fields::HOST_CS_SELECTOR) != 0;
        "host TR selector is not null" => |v| v.get(fields::HOST_TR_SELECTOR) != 0;
        "host FS base is canonical" => |v| canonical(v.get(fields::HOST_FS_BASE));
        "host GS base is canonical" => |v| canonical(v.get(fields::HOST_GS_BASE));
        "host TR base is canonical" => |v| canonical(v.get(fields::HOST_TR_BASE));
        "host GDTR base is canonical" => |v| canonical(v.get(fields::HOST_GDTR_BASE));
        "host IDTR base is canonical" => |v| canonical(v.get(fields::HOST_IDTR_BASE));
    }
    "27.2.4" {
        "host is in 64-bit mode" => |v| v.exit(ExitControls::HOST_ADDRESS_SPACE_SIZE);
        "host CR4 has PAE" => |v| v.get(fields::HOST_CR4) & 1 << 5 != 0;
        "host RIP is canonical" => |v| canonical(v.get(fields::HOST_RIP));
        "an IA-32e guest needs a 64-bit host" => |v| {
            v.exit(ExitControls::HOST_ADDRESS_SPACE_SIZE) || !v.entry(EntryControls::IA32E_MODE_GUEST)
        };
    }
}
