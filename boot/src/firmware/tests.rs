use super::{Cpu, Firmware, FirmwareError, Interrupt, IoApic, PowerTimer, PowerTimerPlace};
use crate::boot_data::RootPointer;
use proptest::prelude::{any, prop, prop_assert_eq, proptest};
use std::vec;
use std::vec::Vec;

const LIST: u64 = 0x1000;
const INTERRUPTS: u64 = 0x2000;
const FIXED: u64 = 0x3000;

/// Physical memory from 0 on, and the root pointer to it.
#[derive(Clone)]
struct Machine {
    memory: Vec<u8>,
    root: Vec<u8>,
}

impl Machine {
    fn read(&self) -> Result<Firmware, FirmwareError> {
        let map = |address, length| self.memory.get(usize::try_from(address).ok()?..)?.get(..length);
        Firmware::read(&RootPointer::copy(&self.root).unwrap(), map)
    }

    /// Puts a table there with its length and checksum right.
    fn put(&mut self, address: u64, signature: &[u8; 4], body: &[u8]) {
        let mut table = [signature.as_slice(), &[0; 32], body].concat();
        let length = u32::try_from(table.len()).unwrap();
        table[4..8].copy_from_slice(&length.to_le_bytes());
        fix_sum(&mut table, 9);
        let address = usize::try_from(address).unwrap();
        self.memory[address..address + table.len()].copy_from_slice(&table);
    }
}

fn fix_sum(bytes: &mut [u8], at: usize) {
    let sum = bytes.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte));
    bytes[at] = bytes[at].wrapping_sub(sum);
}

fn root(revision: u8, short: u32, long: u64) -> Vec<u8> {
    let mut root = b"RSD PTR \0RAVELN".to_vec();
    root.push(revision);
    root.extend(short.to_le_bytes());
    fix_sum(&mut root, 8);
    if revision >= 2 {
        root.extend(36_u32.to_le_bytes());
        root.extend(long.to_le_bytes());
        root.extend([0; 4]);
        fix_sum(&mut root, 32);
    }
    root
}

fn local_apic(id: u8, flags: u8) -> Vec<u8> {
    vec![0, 8, 0, id, flags, 0, 0, 0]
}

fn local_x2apic(id: u32, flags: u8) -> Vec<u8> {
    [[9, 16, 0, 0], id.to_le_bytes(), [flags, 0, 0, 0], [0; 4]].concat()
}

/// A machine as Bochs and QEMU describe theirs: two CPUs, a timer at port 0x608.
fn machine(entries: &[Vec<u8>]) -> Machine {
    let mut machine = Machine { memory: vec![0; 0x4000], root: root(2, 0, LIST) };
    machine.put(LIST, b"XSDT", &[FIXED.to_le_bytes(), INTERRUPTS.to_le_bytes()].concat());
    let head = [0xfee0_0000_u32.to_le_bytes(), [1, 0, 0, 0]].concat();
    machine.put(INTERRUPTS, b"APIC", &[head, entries.concat()].concat());
    let mut fixed = [0; 244 - 36];
    fixed[76 - 36..80 - 36].copy_from_slice(&0x608_u32.to_le_bytes());
    fixed[91 - 36] = 4;
    fixed[113 - 36] = 1; // the wide timer
    machine.put(FIXED, b"FACP", &fixed);
    machine
}

fn ids(firmware: &Firmware) -> Vec<u32> {
    firmware.cpus.iter().map(|cpu| cpu.apic_id).collect()
}

#[test]
fn an_ordinary_machine_is_understood() {
    let firmware =
        machine(&[local_apic(0, 1), local_apic(1, 1), vec![1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]]).read().unwrap();
    assert_eq!(*firmware.cpus, [Cpu { apic_id: 0, x2apic: false }, Cpu { apic_id: 1, x2apic: false }]);
    assert_eq!((firmware.local_apic, firmware.unlisted_cpus), (0xfee0_0000, 0));
    assert_eq!(firmware.power_timer, Some(PowerTimer { place: PowerTimerPlace::Port(0x608), wide: true }));
}

#[test]
fn the_serial_port_interrupts_where_the_firmware_says() {
    let io_apic = |address: u32, first: u32| [[1, 12, 2, 0], address.to_le_bytes(), first.to_le_bytes()].concat();
    let moved = |source: u8, input: u8, flags: u8| vec![2, 10, 0, source, input, 0, 0, 0, flags, 0];
    let plain = machine(&[local_apic(0, 1), io_apic(0xfec0_0000, 0), moved(0, 2, 0)]).read().unwrap();
    assert_eq!(*plain.io_apics, [IoApic { address: 0xfec0_0000, first: 0 }]);
    assert_eq!(plain.serial, Interrupt { input: 4, level: false, active_low: false });
    let other = machine(&[local_apic(0, 1), io_apic(0xfec0_0000, 0), io_apic(0xfec1_0000, 24), moved(4, 28, 0xf)]);
    let other = other.read().unwrap();
    assert_eq!(other.io_apics[1], IoApic { address: 0xfec1_0000, first: 24 });
    assert_eq!(other.serial, Interrupt { input: 28, level: true, active_low: true });
    assert_eq!(machine(&[local_apic(0, 1), moved(4, 4, 5)]).read().unwrap().serial, plain.serial);
    let many: Vec<_> = (0..20).map(|number| io_apic(0xfec0_0000, number)).chain([local_apic(0, 1)]).collect();
    assert_eq!(machine(&many).read().unwrap().io_apics.len(), 8);
    assert!(machine(&[local_apic(0, 1), vec![1, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0]]).read().is_err());
}

#[test]
fn both_versions_of_the_root_pointer_lead_to_the_tables() {
    let mut old = machine(&[local_apic(7, 1)]);
    old.root = root(0, 0x1800, 0);
    let entries = [FIXED, INTERRUPTS].map(|address| u32::try_from(address).unwrap().to_le_bytes());
    old.put(0x1800, b"RSDT", &entries.concat());
    assert_eq!(old.read(), machine(&[local_apic(7, 1)]).read());
    old.root = root(2, 0x1800, 0);
    assert!(old.read().is_ok(), "a new root pointer without a long list still has the short one");
}

#[test]
fn only_enabled_cpus_count_and_each_once() {
    let entries = [
        local_apic(0, 1),
        local_apic(1, 0),
        local_apic(2, 2),
        local_apic(255, 1),
        local_x2apic(0, 1),
        local_x2apic(300, 1),
        local_x2apic(u32::MAX, 1),
        local_x2apic(255, 1),
    ];
    let firmware = machine(&entries).read().unwrap();
    assert_eq!(ids(&firmware), [0, 300, 255]);
    assert_eq!(firmware.cpus.last(), Some(&Cpu { apic_id: 255, x2apic: true }));
    assert_eq!(machine(&[local_apic(1, 0)]).read(), Err(FirmwareError::NoCpus));
}

#[test]
fn cpus_beyond_the_limit_are_counted() {
    let entries: Vec<_> = (0..70).map(|id| local_apic(id, 1)).collect();
    let firmware = machine(&entries).read().unwrap();
    assert_eq!((firmware.cpus.len(), firmware.unlisted_cpus), (64, 6));
}

#[test]
fn an_override_moves_the_local_apics() {
    let entry = [&[5, 12, 0, 0], 0x1_2345_6000_u64.to_le_bytes().as_slice()].concat();
    assert_eq!(machine(&[local_apic(0, 1), entry]).read().unwrap().local_apic, 0x1_2345_6000);
}

#[test]
fn every_lie_is_named() {
    let good = machine(&[local_apic(0, 1)]);
    let lie = |change: &dyn Fn(&mut Machine)| {
        let mut machine = good.clone();
        change(&mut machine);
        machine.read().unwrap_err()
    };
    assert_eq!(lie(&|machine| machine.root[0] = b'X'), FirmwareError::RootPointer);
    assert_eq!(lie(&|machine| machine.root[10] ^= 1), FirmwareError::RootPointer);
    assert_eq!(lie(&|machine| machine.root = root(2, 0, 1 << 60)), FirmwareError::Unreadable { address: 1 << 60 });
    assert_eq!(lie(&|machine| machine.root = root(2, 0, INTERRUPTS)), FirmwareError::Signature { address: INTERRUPTS });
    assert_eq!(lie(&|machine| machine.memory[0x2020] ^= 1), FirmwareError::Checksum { address: INTERRUPTS });
    assert_eq!(lie(&|machine| machine.memory[0x2004] = 35), FirmwareError::Length { address: INTERRUPTS, length: 35 });
    assert_eq!(lie(&|machine| machine.memory[0x2006] = 1), FirmwareError::Unreadable { address: INTERRUPTS });
    assert_eq!(
        lie(&|machine| machine.memory[0x2007] = 1),
        FirmwareError::Length { address: INTERRUPTS, length: 0x0100_0034 }
    );
    assert_eq!(lie(&|machine| machine.put(INTERRUPTS, b"OTHR", &[])), FirmwareError::NoInterruptTable);
    assert_eq!(machine(&[vec![0, 0]]).read(), Err(FirmwareError::InterruptEntry { offset: 44 }));
    assert_eq!(
        machine(&[local_apic(0, 1), vec![0, 7, 0, 0, 0, 0, 0]]).read(),
        Err(FirmwareError::InterruptEntry { offset: 52 })
    );
    assert_eq!(
        machine(&[local_apic(0, 1), vec![0, 9, 0, 0]]).read(),
        Err(FirmwareError::InterruptEntry { offset: 52 })
    );
}

#[test]
fn a_machine_without_a_usable_timer_still_starts() {
    let mut broken = machine(&[local_apic(0, 1)]);
    broken.memory[0x3020] ^= 1;
    assert_eq!(broken.read().unwrap().power_timer, None);
    let mut memory_timer = [0; 244 - 36];
    memory_timer[91 - 36] = 4;
    memory_timer[208 - 36 + 4..208 - 36 + 12].copy_from_slice(&0xfed0_0008_u64.to_le_bytes());
    broken.put(FIXED, b"FACP", &memory_timer);
    let expected = PowerTimer { place: PowerTimerPlace::Memory(0xfed0_0008), wide: false };
    assert_eq!(broken.read().unwrap().power_timer, Some(expected));
    memory_timer[91 - 36] = 0;
    broken.put(FIXED, b"FACP", &memory_timer);
    assert_eq!(broken.read().unwrap().power_timer, None);
}

proptest! {
    #[test]
    fn changed_tables_are_taken_or_refused(changes in prop::collection::vec((0_usize..0x400, any::<u8>()), 1..20), fix in any::<bool>()) {
        let mut machine = machine(&[local_apic(0, 1), local_x2apic(9, 1)]);
        for (position, byte) in changes {
            // The tables' first 256 bytes and the root pointer.
            let place = 0x1000 * (position / 0x100) + position % 0x100;
            match machine.memory.get_mut(place).filter(|_| place >= 0x1000) {
                Some(place) => *place = byte,
                None => { let index = position % machine.root.len(); machine.root[index] = byte; }
            }
        }
        if fix {
            fix_sum(&mut machine.root[..20], 8);
            fix_sum(&mut machine.root, 32);
            for (address, length) in [(0x1000, 52), (0x2000, 68), (0x3000, 244)] {
                fix_sum(&mut machine.memory[address..address + length], 9);
            }
        }
        if let Ok(firmware) = machine.read() {
            prop_assert_eq!(firmware.unlisted_cpus, 0);
        }
    }

    #[test]
    fn any_entries_are_taken_or_refused(entries in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = machine(&[entries]).read();
    }
}
