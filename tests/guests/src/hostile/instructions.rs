//! Instructions that a guest does not have.

use super::{Case, EXITS, Verdict, must_fault, must_pass};
use crate::attempt;
use exo_user::abi::boot_page::BootPage;
use exo_user::exceptions::vector::{GENERAL_PROTECTION, INVALID_OPCODE};
use exo_user::println;

pub const CASES: &[Case] = &[
    Case::new("vmx-instructions", EXITS, vmx, "executes every VMX instruction but VMCALL"),
    Case::new("svm-instructions", EXITS, svm, "executes AMD's virtualisation instructions"),
    Case::new("safer-mode", EXITS, safer_mode, "executes GETSEC and RSM"),
    Case::new("monitor-mwait", EXITS, monitor_mwait, "executes MONITOR and MWAIT"),
    Case::new("cache-write-back", EXITS, caches, "executes WBINVD and INVD a hundred times"),
    Case::new("performance-counters", EXITS, performance_counters, "reads performance counters"),
    Case::new("ports", EXITS, ports, "reads and writes ports in all ways that there are"),
];

fn vmx(_boot: &'static BootPage) -> Verdict {
    // One word for everything that wants an operand: no VMX instruction may get so far as to look at it.
    let word = [0x20_0000_u64; 2];
    let address = &raw const word;
    let attempts = [
        ("VMXON", attempt!("vmxon [{operand}]", operand = in(reg) address)),
        ("VMXOFF", attempt!("vmxoff")),
        ("VMLAUNCH", attempt!("vmlaunch")),
        ("VMRESUME", attempt!("vmresume")),
        ("VMPTRLD", attempt!("vmptrld [{operand}]", operand = in(reg) address)),
        ("VMPTRST", attempt!("vmptrst [{operand}]", operand = in(reg) address)),
        ("VMCLEAR", attempt!("vmclear [{operand}]", operand = in(reg) address)),
        ("VMREAD", attempt!("vmread rdx, rax", in("rax") 0x6800_u64, out("rdx") _)),
        ("VMWRITE", attempt!("vmwrite rax, rdx", in("rax") 0x6800_u64, in("rdx") 0_u64)),
        ("INVEPT", attempt!("invept rax, [{operand}]", operand = in(reg) address, in("rax") 2_u64)),
        ("INVVPID", attempt!("invvpid rax, [{operand}]", operand = in(reg) address, in("rax") 2_u64)),
        ("VMFUNC", attempt!("vmfunc", in("eax") 0, in("ecx") 0)),
        ("VMFUNC with a large index", attempt!("vmfunc", in("eax") 0, in("ecx") 511)),
    ];
    for (name, seen) in attempts {
        must_fault(name, INVALID_OPCODE, seen)?;
    }
    println!("saw an invalid opcode for each");
    Ok(())
}

fn svm(_boot: &'static BootPage) -> Verdict {
    let attempts = [
        ("VMRUN", attempt!("vmrun rax", in("rax") 0x20_0000_u64)),
        ("VMLOAD", attempt!("vmload rax", in("rax") 0x20_0000_u64)),
        ("VMSAVE", attempt!("vmsave rax", in("rax") 0x20_0000_u64)),
        ("CLGI", attempt!("clgi")),
        ("STGI", attempt!("stgi")),
        ("SKINIT", attempt!("skinit eax", in("eax") 0)),
    ];
    for (name, seen) in attempts {
        must_fault(name, INVALID_OPCODE, seen)?;
    }
    println!("saw an invalid opcode for each");
    Ok(())
}

fn safer_mode(_boot: &'static BootPage) -> Verdict {
    for leaf in 0..9 {
        let seen = attempt!(".byte 0x0f, 0x37", inout("eax") leaf => _, out("ecx") _);
        must_fault(format_args!("GETSEC leaf {leaf}"), INVALID_OPCODE, seen)?;
    }
    must_fault("RSM", INVALID_OPCODE, attempt!("rsm"))?;
    println!("saw an invalid opcode for each");
    Ok(())
}

fn monitor_mwait(_boot: &'static BootPage) -> Verdict {
    let word = 0_u64;
    let seen = attempt!("monitor", in("rax") &raw const word, in("ecx") 0, in("edx") 0);
    must_fault("MONITOR", INVALID_OPCODE, seen)?;
    must_fault("MWAIT", INVALID_OPCODE, attempt!("mwait", in("eax") 0, in("ecx") 0))?;
    println!("saw an invalid opcode for each");
    Ok(())
}

fn caches(_boot: &'static BootPage) -> Verdict {
    let mut words = [0_u64; 64];
    for round in 0..100 {
        words[usize::from(round % 64_u8)] += 1;
        must_pass("WBINVD", attempt!("wbinvd"))?;
        must_pass("INVD", attempt!("invd"))?;
    }
    // INVD throws unwritten lines away on bare metal; a guest's must never do that.
    super::must_be("what was written in between", words.iter().sum(), 100)?;
    println!("saw nothing lost");
    Ok(())
}

fn performance_counters(_boot: &'static BootPage) -> Verdict {
    for counter in [0, 1, 7, 0x4000_0000, 0x4000_0002, u32::MAX] {
        let seen = attempt!("rdpmc", in("ecx") counter, out("rax") _, out("rdx") _);
        must_fault(format_args!("RDPMC {counter:#x}"), GENERAL_PROTECTION, seen)?;
    }
    println!("saw a general protection fault for each");
    Ok(())
}

/// Ports of the interrupt controllers, timer, keyboard, clock, reset, PCI, serial line and emulator, and the ends.
const PORTS: [u16; 20] = [
    0, 0x20, 0x21, 0x40, 0x43, 0x60, 0x64, 0x70, 0x71, 0x80, 0x92, 0xa1, 0xe9, 0xf4, 0x3f8, 0xcf8, 0xcf9, 0xcfc,
    0x8900, 0xffff,
];

fn ports(_boot: &'static BootPage) -> Verdict {
    let mut buffer = [0_u32; 4];
    let memory = buffer.as_mut_ptr();
    for port in PORTS {
        let attempts = [
            ("IN byte", attempt!("in al, dx", in("dx") port, out("eax") _)),
            ("IN word", attempt!("in ax, dx", in("dx") port, out("eax") _)),
            ("IN double word", attempt!("in eax, dx", in("dx") port, out("eax") _)),
            ("OUT byte", attempt!("out dx, al", in("dx") port, in("eax") 0x44)),
            ("OUT word", attempt!("out dx, ax", in("dx") port, in("eax") 0x44)),
            ("OUT double word", attempt!("out dx, eax", in("dx") port, in("eax") 0x44)),
            ("INS", attempt!("insb", in("dx") port, inout("rdi") memory => _)),
            ("OUTS", attempt!("outsd", in("dx") port, inout("rsi") memory => _)),
            ("REP INS", attempt!("rep insd", in("dx") port, inout("rdi") memory => _, inout("rcx") 4_u64 => _)),
            ("REP OUTS", attempt!("rep outsb", in("dx") port, inout("rsi") memory => _, inout("rcx") 4_u64 => _)),
        ];
        for (name, seen) in attempts {
            must_fault(format_args!("{name} at port {port:#x}"), GENERAL_PROTECTION, seen)?;
        }
    }
    must_fault("IN from a constant port", GENERAL_PROTECTION, attempt!("in al, 0x64", out("eax") _))?;
    must_fault("OUT to a constant port", GENERAL_PROTECTION, attempt!("out 0x64, al", in("eax") 0xfe))?;
    println!("saw a general protection fault for each");
    Ok(())
}
