//! Checks on the guest's segment registers outside virtual-8086 mode (SDM 27.3.1.2).

use super::{View, canonical, rules};
use crate::vmx::fields::{self, Field, Natural};

/// The four fields of a segment register.
pub(super) struct Segment {
    selector: Field<u16>,
    base: Field<Natural>,
    limit: Field<u32>,
    rights: Field<u32>,
}

macro_rules! segment {
    ($name:ident, $selector:ident, $base:ident, $limit:ident, $rights:ident) => {
        pub(super) const $name: Segment = Segment {
            selector: fields::$selector,
            base: fields::$base,
            limit: fields::$limit,
            rights: fields::$rights,
        };
    };
}
segment!(CS, GUEST_CS_SELECTOR, GUEST_CS_BASE, GUEST_CS_LIMIT, GUEST_CS_ACCESS_RIGHTS);
segment!(SS, GUEST_SS_SELECTOR, GUEST_SS_BASE, GUEST_SS_LIMIT, GUEST_SS_ACCESS_RIGHTS);
segment!(DS, GUEST_DS_SELECTOR, GUEST_DS_BASE, GUEST_DS_LIMIT, GUEST_DS_ACCESS_RIGHTS);
segment!(ES, GUEST_ES_SELECTOR, GUEST_ES_BASE, GUEST_ES_LIMIT, GUEST_ES_ACCESS_RIGHTS);
segment!(FS, GUEST_FS_SELECTOR, GUEST_FS_BASE, GUEST_FS_LIMIT, GUEST_FS_ACCESS_RIGHTS);
segment!(GS, GUEST_GS_SELECTOR, GUEST_GS_BASE, GUEST_GS_LIMIT, GUEST_GS_ACCESS_RIGHTS);
segment!(LDTR, GUEST_LDTR_SELECTOR, GUEST_LDTR_BASE, GUEST_LDTR_LIMIT, GUEST_LDTR_ACCESS_RIGHTS);
segment!(TR, GUEST_TR_SELECTOR, GUEST_TR_BASE, GUEST_TR_LIMIT, GUEST_TR_ACCESS_RIGHTS);

// Access rights (SDM 25.4.1, Table 25-2).
const KIND: u32 = 0xf;
const CODE_OR_DATA: u32 = 1 << 4;
const PRESENT: u32 = 1 << 7;
const LONG: u32 = 1 << 13;
const DEFAULT_32: u32 = 1 << 14;
const GRANULAR: u32 = 1 << 15;
const UNUSABLE: u32 = 1 << 16;
const RESERVED: u32 = 0xfffe_0f00;
/// Table indicator of a selector.
const LOCAL: u16 = 1 << 2;

impl Segment {
    fn rights(&self, view: &View<'_>) -> u32 {
        view.get(self.rights)
    }

    fn usable(&self, view: &View<'_>) -> bool {
        self.rights(view) & UNUSABLE == 0
    }

    /// The segment's type.
    fn kind(&self, view: &View<'_>) -> u32 {
        self.rights(view) & KIND
    }

    pub(super) fn privilege(&self, view: &View<'_>) -> u32 {
        self.rights(view) >> 5 & 3
    }

    fn requested_privilege(&self, view: &View<'_>) -> u32 {
        u32::from(view.get(self.selector) & 3)
    }

    fn local(&self, view: &View<'_>) -> bool {
        view.get(self.selector) & LOCAL != 0
    }

    pub(super) fn is_long(&self, view: &View<'_>) -> bool {
        self.rights(view) & LONG != 0
    }

    fn base_has_32_bits(&self, view: &View<'_>) -> bool {
        view.get(self.base) >> 32 == 0
    }

    /// Present, no reserved bits, the S bit as given, and a granularity that the limit can have.
    fn well_formed(&self, view: &View<'_>, code_or_data: bool) -> bool {
        let (rights, limit) = (self.rights(view), view.get(self.limit));
        let granular = rights & GRANULAR != 0;
        rights & RESERVED == 0
            && rights & PRESENT != 0
            && (rights & CODE_OR_DATA != 0) == code_or_data
            && (!granular || limit & 0xfff == 0xfff)
            && (granular || limit >> 20 == 0)
    }

    /// All rules of DS, ES, FS and GS but the base.
    fn is_data(&self, view: &View<'_>) -> bool {
        const ACCESSED: u32 = 1;
        const READABLE: u32 = 1 << 1;
        const CODE: u32 = 1 << 3;
        let kind = self.kind(view);
        let conforming_code = kind >= 12;
        !self.usable(view)
            || self.well_formed(view, true)
                && kind & ACCESSED != 0
                && (kind & CODE == 0 || kind & READABLE != 0)
                && (view.unrestricted() || conforming_code || self.privilege(view) >= self.requested_privilege(view))
    }
}

fn code_privilege(view: &View<'_>) -> bool {
    match CS.kind(view) {
        3 => CS.privilege(view) == 0,
        9 | 11 => CS.privilege(view) == SS.privilege(view),
        _ => CS.privilege(view) <= SS.privilege(view),
    }
}

rules! {
    "27.3.1.2" {
        "guest CS is accessed code" => |v| match CS.kind(v) {
            9 | 11 | 13 | 15 => true,
            3 => v.unrestricted(),
            _ => false,
        };
        "guest CS is usable, present and well-formed" => |v| CS.usable(v) && CS.well_formed(v, true);
        "guest CS has the privilege of SS, or less where it conforms" => code_privilege;
        "guest CS is not both 64-bit and 32-bit code" => |v| {
            !v.long_mode() || !CS.is_long(v) || CS.rights(v) & DEFAULT_32 == 0
        };
        "guest CS base has 32 bits" => |v| CS.base_has_32_bits(v);
        "guest SS selector has the RPL of CS" => |v| {
            v.unrestricted() || SS.requested_privilege(v) == CS.requested_privilege(v)
        };
        "guest SS is writable data" => |v| !SS.usable(v) || matches!(SS.kind(v), 3 | 7);
        "guest SS is present and well-formed" => |v| !SS.usable(v) || SS.well_formed(v, true);
        "guest SS has the privilege of its selector" => |v| {
            v.unrestricted() || SS.privilege(v) == SS.requested_privilege(v)
        };
        "guest SS base has 32 bits" => |v| !SS.usable(v) || SS.base_has_32_bits(v);
        "guest DS is a data segment that its selector may name" => |v| DS.is_data(v);
        "guest ES is a data segment that its selector may name" => |v| ES.is_data(v);
        "guest FS is a data segment that its selector may name" => |v| FS.is_data(v);
        "guest GS is a data segment that its selector may name" => |v| GS.is_data(v);
        "guest DS base has 32 bits" => |v| !DS.usable(v) || DS.base_has_32_bits(v);
        "guest ES base has 32 bits" => |v| !ES.usable(v) || ES.base_has_32_bits(v);
        "guest FS base is canonical" => |v| canonical(v.get(FS.base));
        "guest GS base is canonical" => |v| canonical(v.get(GS.base));
        "guest TR is a busy task" => |v| match TR.kind(v) {
            11 => true,
            3 => !v.long_mode(),
            _ => false,
        };
        "guest TR is usable, present and well-formed" => |v| TR.usable(v) && TR.well_formed(v, false);
        "guest TR selector is of the GDT" => |v| !TR.local(v);
        "guest TR base is canonical" => |v| canonical(v.get(TR.base));
        "guest LDTR is a local descriptor table" => |v| !LDTR.usable(v) || LDTR.kind(v) == 2;
        "guest LDTR is present and well-formed" => |v| !LDTR.usable(v) || LDTR.well_formed(v, false);
        "guest LDTR selector is of the GDT" => |v| !LDTR.usable(v) || !LDTR.local(v);
        "guest LDTR base is canonical" => |v| !LDTR.usable(v) || canonical(v.get(LDTR.base));
    }
}
