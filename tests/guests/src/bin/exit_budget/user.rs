//! Ways between ring 3 and ring 0.

use crate::exception::{count, handled, skip};
use crate::{COUNT, Item, free};
use exo_user::cpu::{self, msr};
use exo_user::exceptions::vector;
use exo_user::page_table::MapError;
use exo_user::segments::STAR;
use guests::{code, user_mode};

pub const ITEMS: &[Item] = &[
    free("syscall-sysret", syscall),
    free("user-page-fault", page_fault),
    free("user-invalid-opcode", invalid_opcode),
    free("user-supervisor-switch", switch),
];

const ABSENT: u64 = 0x1000_0005_0000;

/// Where SYSCALL goes: it counts in r13 and goes back. rcx and r11 are as SYSCALL left them.
fn system_call_entry() -> u64 {
    code!("inc r13", "sysretq").as_ptr() as u64
}

pub fn prepare() -> Result<(), MapError> {
    // SAFETY: the entry is code of this image that runs on any stack; nothing else uses SYSCALL.
    unsafe {
        cpu::write_msr(msr::STAR, STAR);
        cpu::write_msr(msr::LSTAR, system_call_entry());
        cpu::write_msr(msr::FMASK, 0x4_7700);
    }
    user_mode::load(code!("int 0x80"))
}

fn load_and_run(program: &[u8]) -> exo_user::exceptions::ExceptionFrame {
    match user_mode::load(program) {
        Ok(()) => user_mode::run(COUNT, ABSENT),
        Err(error) => panic!("{error}"),
    }
}

fn syscall() -> u64 {
    let program = code!("mov r12, rdi", "xor r13d, r13d", "4: syscall", "dec r12", "jnz 4b", "int 0x80");
    load_and_run(program).r13
}

fn page_fault() -> u64 {
    let program = code!("4: mov al, [rsi]", "dec rdi", "jnz 4b", "int 0x80");
    handled(vector::PAGE_FAULT, skip, || {
        load_and_run(program);
    })
}

fn invalid_opcode() -> u64 {
    let program = code!("4: ud2", "dec rdi", "jnz 4b", "int 0x80");
    handled(vector::INVALID_OPCODE, skip, || {
        load_and_run(program);
    })
}

/// An interrupt gate to ring 0 and IRET back to ring 3.
fn switch() -> u64 {
    let program = code!("4: int3", "dec rdi", "jnz 4b", "int 0x80");
    handled(vector::BREAKPOINT, count, || {
        load_and_run(program);
    })
}
