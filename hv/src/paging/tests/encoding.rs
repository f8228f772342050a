//! Entries bit by bit as the manual lays them out, and rights that have no value.

use super::frame;
use crate::paging::ept::{Ept, EptAttributes, Rights, RightsError};
use crate::paging::format::{Entry, Format, Level};
use crate::paging::host::{Host, HostAttributes};

#[test]
fn ept_leaves_are_write_back_and_ignore_the_guest_s_pat() {
    let all = EptAttributes::memory(Rights::ALL);
    assert_eq!(Ept::leaf(Level::Small, frame(0x1234), all), 0x0123_4077);
    assert_eq!(Ept::leaf(Level::Large, frame(0x1200), all), 0x0120_00f7);
    let read = EptAttributes::memory(Rights::READ);
    assert_eq!(Ept::leaf(Level::Small, frame(1), read), 0x1071);
    assert_eq!(Ept::table(frame(7)), 0x7007);
}

#[test]
fn a_tag_uses_only_bits_that_the_cpu_ignores() {
    // Rights, memory type, ignore-PAT, large, accessed, dirty, user-execute; address; bits 57, 58, 60, 61 and 63, which
    // controls give a meaning to.
    let meant = 0x7ff | 0x000f_ffff_ffff_f000 | 1 << 57 | 1 << 58 | 1 << 60 | 1 << 61 | 1 << 63;
    let plain = EptAttributes::memory(Rights::READ_EXECUTE);
    for tag in 0..=u8::MAX {
        let raw = Ept::leaf(Level::Large, frame(0x200), plain.with_tag(tag));
        assert_eq!(raw & meant, Ept::leaf(Level::Large, frame(0x200), plain));
        let expected = Entry::Leaf { frame: frame(0x200), attributes: plain.with_tag(tag) };
        assert_eq!(Ept::classify(Level::Large, raw), expected);
        assert_eq!(Ept::classify(Level::Large, raw | Ept::SET_BY_CPU), expected);
    }
}

#[test]
fn an_execute_only_entry_is_present() {
    let rights = Rights::new(false, false, true, true).unwrap();
    let raw = Ept::leaf(Level::Small, frame(3), EptAttributes::memory(rights));
    assert_eq!(raw & 7, 4);
    assert!(matches!(Ept::classify(Level::Small, raw), Entry::Leaf { .. }));
}

#[test]
fn rights_that_the_cpu_refuses_have_no_value() {
    assert_eq!(Rights::new(false, true, false, true), Err(RightsError::WriteWithoutRead));
    assert_eq!(Rights::new(false, true, true, true), Err(RightsError::WriteWithoutRead));
    assert_eq!(Rights::new(false, false, true, false), Err(RightsError::ExecuteOnlyNotOffered));
    assert_eq!(Rights::new(false, false, false, true), Err(RightsError::Nothing));
    assert_eq!(Rights::new(true, true, true, false), Ok(Rights::ALL));
}

#[test]
fn host_leaves() {
    let data = HostAttributes { writable: true, executable: false, user: false, global: true, uncached: false };
    assert_eq!(Host::leaf(Level::Small, frame(5), data), 1 << 63 | 0x5103);
    assert_eq!(Host::leaf(Level::Large, frame(0x200), data), 1 << 63 | 0x0020_0183);
    let device = HostAttributes { uncached: true, ..data };
    assert_eq!(Host::leaf(Level::Small, frame(5), device), 1 << 63 | 0x511b);
    let code = HostAttributes { writable: false, executable: true, user: true, global: false, uncached: false };
    assert_eq!(Host::leaf(Level::Small, frame(5), code), 0x5005);
    for attributes in [data, device, code] {
        let raw = Host::leaf(Level::Huge, frame(0x40000), attributes) | Host::SET_BY_CPU;
        assert_eq!(Host::classify(Level::Huge, raw), Entry::Leaf { frame: frame(0x40000), attributes });
    }
}
