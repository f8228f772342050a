//! Model-specific registers that are not the guest's, and impossible values for those that are.

use super::{Case, EXITS, Verdict, must_be, must_fault, must_pass};
use crate::attempt;
use crate::faults::Fault;
use exo_user::abi::boot_page::BootPage;
use exo_user::cpu::{self, msr};
use exo_user::exceptions::vector::GENERAL_PROTECTION;
use exo_user::println;

pub const CASES: &[Case] = &[
    Case::new("forbidden-msrs", EXITS, forbidden, "reads and writes hundreds of MSRs that are not its own"),
    Case::new("efer-garbage", EXITS, efer, "changes each bit of EFER but SCE"),
    Case::new("pat-garbage", EXITS, pat, "gives the PAT reserved types, then makes all memory uncached"),
    Case::new("msr-garbage", EXITS, garbage, "gives its own MSRs impossible values"),
];

const PAT: u32 = 0x277;

fn read(register: u32) -> Result<(), Fault> {
    attempt!("rdmsr", in("ecx") register, out("rax") _, out("rdx") _)
}

fn write(register: u32, value: u64) -> Result<(), Fault> {
    attempt!("wrmsr", in("ecx") register, in("rax") value & 0xffff_ffff, in("rdx") value >> 32)
}

/// First and last register of each range.
const FORBIDDEN: [(u32, u32, &str); 24] = [
    (0x00, 0x01, "machine-check addresses"),
    (0x17, 0x17, "platform id"),
    (0x1b, 0x1b, "APIC base"),
    (0x3a, 0x3b, "feature control, TSC adjust"),
    (0x48, 0x49, "speculation control"),
    (0x79, 0x79, "microcode update"),
    (0x8b, 0x8b, "microcode revision"),
    (0xc1, 0xc8, "performance counters"),
    (0xce, 0xce, "platform information"),
    (0xfe, 0xfe, "MTRR capabilities"),
    (0x10a, 0x10b, "architecture capabilities, flush command"),
    (0x179, 0x17b, "machine-check capabilities"),
    (0x186, 0x189, "performance events"),
    (0x198, 0x1a0, "clocks, thermal, miscellaneous enables"),
    (0x1d9, 0x1d9, "debug control"),
    (0x200, 0x20f, "variable MTRRs"),
    (0x250, 0x26f, "fixed MTRRs"),
    (0x2ff, 0x2ff, "MTRR default type"),
    (0x38d, 0x390, "fixed performance counters"),
    (0x480, 0x493, "VMX capabilities"),
    (0x600, 0x600, "debug store"),
    (0x6e0, 0x6e0, "TSC deadline"),
    (0x800, 0x8ff, "x2APIC"),
    (0xda0, 0xda0, "supervisor state"),
];

/// Not ranges of meaning, but the ends of the two halves of the MSR bitmap, and far outside it.
const ODD: [u32; 12] = [
    0x1fff,
    0x2000,
    0x4000_0000,
    0x4000_0001,
    0xbfff_ffff,
    0xc000_1fff,
    0xc000_2000,
    0xc001_0114,
    0xc001_0117,
    0x7fff_ffff,
    0x8000_0000,
    u32::MAX,
];

fn forbidden(_boot: &'static BootPage) -> Verdict {
    let mut count = 0;
    let ranges = FORBIDDEN.iter().flat_map(|&(first, last, name)| (first..=last).map(move |register| (register, name)));
    for (register, name) in ranges.chain(ODD.map(|register| (register, "out of the way"))) {
        must_fault(format_args!("RDMSR {register:#x} ({name})"), GENERAL_PROTECTION, read(register))?;
        for value in [0, 5, u64::MAX] {
            must_fault(format_args!("WRMSR {register:#x} ({name})"), GENERAL_PROTECTION, write(register, value))?;
        }
        count += 1;
    }
    println!("saw a general protection fault for reading and writing each of {count}");
    Ok(())
}

fn efer(_boot: &'static BootPage) -> Verdict {
    let value = cpu::read_msr(msr::EFER);
    for bit in 1..64 {
        let changed = value ^ (1 << bit);
        must_fault(format_args!("EFER bit {bit} changed"), GENERAL_PROTECTION, write(msr::EFER, changed))?;
    }
    must_pass("EFER without SCE", write(msr::EFER, value & !1))?;
    must_be("EFER without SCE", cpu::read_msr(msr::EFER), value & !1)?;
    must_pass("EFER as it was", write(msr::EFER, value))?;
    println!("saw that only SCE can be changed");
    Ok(())
}

fn pat(_boot: &'static BootPage) -> Verdict {
    let value = cpu::read_msr(PAT);
    for byte in 0..8 {
        for kind in [2_u64, 3, 8, 0xff] {
            let changed = value & !(0xff << (8 * byte)) | kind << (8 * byte);
            must_fault(format_args!("PAT = {changed:#x}"), GENERAL_PROTECTION, write(PAT, changed))?;
        }
    }
    must_pass("all of the PAT uncached", write(PAT, 0))?;
    must_be("PAT", cpu::read_msr(PAT), 0)?;
    must_pass("PAT as it was", write(PAT, value))?;
    println!("saw the faults that there must be");
    Ok(())
}

fn garbage(_boot: &'static BootPage) -> Verdict {
    const SYSENTER_ESP: u32 = 0x175;
    const SYSENTER_EIP: u32 = 0x176;
    const NONCANONICAL: u64 = 0x8000_0000_0000;
    let addresses =
        [msr::LSTAR, msr::CSTAR, msr::FS_BASE, msr::GS_BASE, msr::KERNEL_GS_BASE, SYSENTER_ESP, SYSENTER_EIP];
    for register in addresses {
        for value in [NONCANONICAL, 1 << 63, !NONCANONICAL] {
            must_fault(format_args!("MSR {register:#x} = {value:#x}"), GENERAL_PROTECTION, write(register, value))?;
        }
        must_pass(format_args!("MSR {register:#x} = the highest half"), write(register, u64::MAX << 47))?;
    }
    must_fault("FMASK above 32 bits", GENERAL_PROTECTION, write(msr::FMASK, 1 << 32))?;
    println!("saw a general protection fault for each");
    Ok(())
}
