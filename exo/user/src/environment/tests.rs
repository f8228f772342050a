use super::fill::{Filled, Space, Write, fill};
use super::{ChildError, Plan};
use crate::EnvironmentId;
use crate::image::ImagePage;
use crate::page_table::{Flags, PageTable, TableMemory};
use exo_abi::boot_page::{BootPage, FrameRun, ListedCapability};
use exo_abi::capability::Name;
use exo_abi::layout::{IMAGE_BASE, PHYSICAL_WINDOW, STACK_SIZE, STACK_TOP};
use std::collections::HashMap;
use std::vec::Vec;
use zerocopy::FromBytes;

/// Frames that were written, with dirt where nothing was.
#[derive(Default)]
struct Physical(HashMap<u64, [u8; 4096]>);

impl Physical {
    fn frame(&mut self, physical: u64) -> &mut [u8; 4096] {
        self.0.entry(physical / 4096).or_insert([0xee; 4096])
    }

    fn word(&self, physical: u64) -> u64 {
        let offset = usize::try_from(physical % 4096).unwrap();
        u64::from_ne_bytes(self.0[&(physical / 4096)][offset..offset + 8].try_into().unwrap())
    }
}

impl Write for Physical {
    fn write(&mut self, physical: u64, bytes: &[u8]) {
        for (at, &byte) in (physical..).zip(bytes) {
            self.frame(at)[usize::try_from(at % 4096).unwrap()] = byte;
        }
    }
}

impl TableMemory for Physical {
    unsafe fn read(&self, table: u64, index: usize) -> u64 {
        self.word(table + index as u64 * 8)
    }

    unsafe fn update(&mut self, table: u64, index: usize, change: impl Fn(u64) -> u64) -> u64 {
        let before = self.word(table + index as u64 * 8);
        self.write(table + index as u64 * 8, &change(before).to_ne_bytes());
        before
    }

    fn take(&mut self) -> Option<u64> {
        None
    }

    unsafe fn give(&mut self, _table: u64) {}
}

const ID: EnvironmentId = EnvironmentId { index: 5, generation: 9 };

fn program(_: &'static BootPage) -> u32 {
    0
}

fn plan() -> Plan<'static> {
    Plan { arguments: "one two", ..Plan::new("small", 1, program) }
}

/// An image of three pages: code, data, zeros.
fn made(runs: &[FrameRun], physical: Physical) -> (Result<Filled, ChildError>, Physical) {
    static CODE: [u8; 4096] = [0x90; 4096];
    static DATA: [u8; 4096] = [0xda; 4096];
    let data = Flags::PRESENT | Flags::WRITABLE | Flags::NO_EXECUTE;
    let image = [(Flags::PRESENT, Some(CODE.as_ptr())), (data, Some(DATA.as_ptr())), (data, None)];
    let pages = image.into_iter().zip(0_u64..).map(|((flags, content), index)| ImagePage {
        address: IMAGE_BASE + index * 4096,
        flags,
        content,
    });
    let own = ListedCapability { slot: 0, rights: 3, name: Name::new(b"own").unwrap() };
    let mut space = Space::over(runs, physical);
    let filled = fill(&mut space, &plan(), ID, &[own], pages, (IMAGE_BASE, 3 * 4096));
    if let Ok(filled) = &filled {
        space.tell_event_page(filled, 0x7000);
    }
    (filled, space.into_memory())
}

#[test]
fn a_child_finds_what_an_environment_of_the_manifest_finds() {
    let runs = [FrameRun { first: 1000, count: 64 }, FrameRun { first: 5000, count: 3 }];
    let (filled, mut physical) = made(&runs, Physical::default());
    let filled = filled.unwrap();
    // SAFETY: no CPU uses the table.
    let table = unsafe { PageTable::at(filled.page_table, &mut physical) };
    let at = |address: u64| table.query(address).map(|page| (page.physical + address % page.bytes, page.flags));
    let writable = Flags::PRESENT | Flags::WRITABLE | Flags::NO_EXECUTE;
    let image: Vec<_> = (0..3).map(|page| at(IMAGE_BASE + page * 4096).unwrap()).collect();
    assert_eq!([image[0].1, image[1].1, image[2].1], [Flags::PRESENT, writable, writable]);
    let stack = at(STACK_TOP - 4096).unwrap();
    assert_eq!(stack.1, writable);
    assert_eq!(at(STACK_TOP), None);
    assert_eq!(at(STACK_TOP - STACK_SIZE - 1), None);
    for run in runs {
        let last = (run.first + run.count - 1) * 4096;
        assert_eq!(at(PHYSICAL_WINDOW + last), Some((last, writable)));
    }
    let contents: Vec<_> = image.iter().map(|&(place, _)| physical.0[&(place / 4096)]).collect();
    assert_eq!(contents, [[0x90; 4096], [0xda; 4096], [0; 4096]]);
    let boot_at = physical.word(stack.0 + 4096 - 16) - PHYSICAL_WINDOW;
    assert_eq!(physical.word(stack.0 + 4096 - 8), program as *const () as u64);
    assert_eq!(filled.stack, STACK_TOP - 16);
    let boot = BootPage::read_from_prefix(&physical.0[&(boot_at / 4096)]).unwrap().0;
    assert_eq!((boot.environment_index, boot.environment_generation, boot.cpu), (5, 9, 1));
    assert_eq!((boot.name(), boot.arguments(), boot.runs()), ("small", "one two", runs.as_slice()));
    assert_eq!((boot.page_table_physical, boot.boot_page_physical), (filled.page_table, boot_at));
    assert_eq!((boot.event_page_physical, boot.capabilities().len()), (0x7000, 1));
    assert_eq!((boot.image_base, boot.image_size), (IMAGE_BASE, 3 * 4096));
    let used = 1000..1000 + boot.used_frames;
    assert!(physical.0.keys().all(|frame| used.contains(frame)), "nothing is written beyond what is said to be used");
    assert_eq!(physical.0.len() as u64, boot.used_frames);
}

#[test]
fn too_few_frames_are_an_error_at_every_count() {
    let count = (1..64).find(|&count| made(&[FrameRun { first: 1000, count }], Physical::default()).0.is_ok()).unwrap();
    for fewer in 0..count {
        let (filled, physical) = made(&[FrameRun { first: 1000, count: fewer }], Physical::default());
        assert_eq!(filled, Err(ChildError::TooSmall), "{fewer}");
        assert!(physical.0.keys().all(|frame| (1000..1000 + fewer).contains(frame)));
    }
    assert_eq!(made(&[], Physical::default()).0, Err(ChildError::TooSmall));
}
