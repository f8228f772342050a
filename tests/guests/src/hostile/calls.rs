//! Malformed calls. Each has the pinned error, and nobody else notices.

use super::returns::next_random;
use super::{Case, EXITS, Outcome, Verdict, must_be};
use alloc::format;
use core::arch::asm;
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::console::RECORD;
use exo_user::abi::error::Error;
use exo_user::{call, console, frames, print, println};

pub const CASES: &[Case] = &[
    Case::new("bad-calls", EXITS, bad_calls, "makes every malformed call that there is an error for"),
    Case::new("random-calls", EXITS, random_calls, "makes 20000 calls with random arguments"),
    Case::new("kept-registers", EXITS, kept_registers, "checks that calls change rax and rdx only"),
    Case::new("console-forgery", EXITS, forgery, "prints what looks like the kernel's log and like other channels"),
    Case::new("console-flood", EXITS, flood, "writes 16 KiB to the console in single bytes"),
    Case::new("exit-garbage", Outcome::Exited(u32::MAX), exit_garbage, "exits with a status of 64 bits"),
];

const KERNEL: u64 = 0x20_0000;

fn raw(word: u64, arguments: [u64; 3]) -> call::Reply {
    let [first, second, third] = arguments;
    // SAFETY: what these calls may write is memory that the case offers for it.
    unsafe { call::raw(word, [first, second, third, 0, 0, 0]) }
}

fn fails(word: u64, arguments: [u64; 3], error: Error) -> Verdict {
    must_be(format_args!("call {word:#x} {arguments:x?}"), raw(word, arguments).code, error.number())
}

fn bad_calls(boot: &'static BootPage) -> Verdict {
    let count = Call::ALL.len() as u64;
    for word in [count, count + 1, 255, 256, 0xffff, 1 << 32, 1 << 32 | 2, 1 << 63, u64::MAX] {
        fails(word, [1, 1, 1], Error::UnknownCall)?;
    }
    for stray in [1 << 16, 1 << 24, Call::ConsoleWrite as u64 | 0xff << 16] {
        fails(stray, [1, 1, 1], Error::BadArgument)?;
    }
    let mine = frames::allocate().ok_or("no frame")?.leak();
    let run = boot.runs().last().ok_or("no run")?;
    let end = (run.first + run.count) * 4096;
    let (write, read, faults) = (Call::ConsoleWrite as u64, Call::ConsoleRead as u64, Call::SetFaultDelivery as u64);
    for stream in [0, 3, 4, 257, 1 << 32 | 1, u64::MAX] {
        fails(write, [stream, mine, 1], Error::BadArgument)?;
    }
    for on in [2, 256, 1 << 32, u64::MAX] {
        fails(faults, [on, 0, 0], Error::BadArgument)?;
    }
    let foreign = [0, 0x1000, KERNEL, 0xfee0_0000, 0x10_0000_0000, 1 << 51, boot.counters_physical, end, end - 1];
    let lengths = [4097, 1 << 32, u64::MAX];
    for (number, stream) in [(write, Some(1)), (write, Some(2)), (read, None)] {
        let arguments = |physical, length| match stream {
            Some(stream) => [stream, physical, length],
            None => [physical, length, 0],
        };
        for length in lengths {
            fails(number, arguments(mine, length), Error::TooLong)?;
        }
        fails(number, arguments(u64::MAX, 2), Error::TooLong)?;
        fails(number, arguments(u64::MAX - 4094, 4096), Error::TooLong)?;
        for physical in foreign {
            fails(number, arguments(physical, 2), Error::NotBound)?;
        }
        fails(number, arguments(end - 2048, 4096), Error::NotBound)?;
        let nothing = raw(number, arguments(mine, 0));
        must_be("a length of zero", nothing.code | nothing.value, 0)?;
    }
    println!("saw the pinned error for each");
    Ok(())
}

/// What would end or stop this environment, or take long.
const SPARED: [Call; 4] = [Call::Exit, Call::Block, Call::BlockOn, Call::Audit];

fn random_calls(_boot: &'static BootPage) -> Verdict {
    let mut state = 0x0dd_ba11_5eed;
    let count = Call::ALL.len() as u64;
    for _ in 0..20_000 {
        let number = match next_random(&mut state) % (count + 1) {
            number if SPARED.iter().any(|&call| call as u64 == number) => Call::Null as u64,
            number => number,
        };
        // Own memory begins far above: a read can hit nothing that matters here.
        let physical = next_random(&mut state) % (KERNEL * 2);
        let length = next_random(&mut state) % 8192;
        let any = next_random(&mut state) | 1 << 20;
        let arguments = match u16::try_from(number).ok().and_then(Call::from_number) {
            Some(Call::ConsoleWrite) => [any % 4, physical, length],
            Some(Call::ConsoleRead) => [physical, length, 0],
            _ => [any, physical, length],
        };
        let slots = ((next_random(&mut state) % 4) << 16) | ((next_random(&mut state) % 4) << 24);
        let reply = raw(number | slots, arguments);
        if reply.code > Error::ALL.len() as u64 {
            return Err(format!("call {number} answered {reply:x?}"));
        }
    }
    println!("saw 20000 answers");
    Ok(())
}

/// Makes a call with a pattern in every register and looks what is left.
fn kept_registers(_boot: &'static BootPage) -> Verdict {
    for number in [Call::Null as u64, Call::Yield as u64, Call::ConsoleRead as u64, 77] {
        let mut different: u64 = 0;
        // rdi and rsi are a foreign address and a length of 1: no call here may succeed in touching memory.
        // SAFETY: rbx and rbp are kept on the stack; everything else is declared.
        unsafe {
            asm!(
                "push rbx", "push rbp",
                "mov ebx, 0x103", "mov ebp, 0x106", "mov ecx, 0x102",
                "mov r8d, 0x108", "mov r9d, 0x109", "mov r10d, 0x10a", "mov r11d, 0x10b",
                "mov r12d, 0x10c", "mov r13d, 0x10d", "mov r14d, 0x10e", "mov r15d, 0x10f",
                "stc",
                "vmcall",
                "setnc al", "movzx eax, al",
                "xor ebx, 0x103", "or rax, rbx", "xor ebp, 0x106", "or rax, rbp", "xor ecx, 0x102", "or rax, rcx",
                "xor r8d, 0x108", "or rax, r8", "xor r9d, 0x109", "or rax, r9", "xor r10d, 0x10a", "or rax, r10",
                "xor r11d, 0x10b", "or rax, r11", "xor r12d, 0x10c", "or rax, r12", "xor r13d, 0x10d", "or rax, r13",
                "xor r14d, 0x10e", "or rax, r14", "xor r15d, 0x10f", "or rax, r15",
                "xor edi, 0x200000", "or rax, rdi", "xor esi, 1", "or rax, rsi",
                "pop rbp", "pop rbx",
                inout("rax") number => different,
                inout("rdi") KERNEL => _, inout("rsi") 1_u64 => _,
                out("rcx") _, out("rdx") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
                out("r12") _, out("r13") _, out("r14") _, out("r15") _,
            );
        }
        must_be(format_args!("registers changed by call {number}"), different, 0)?;
    }
    println!("saw no other register change");
    Ok(())
}

fn forgery(_boot: &'static BootPage) -> Verdict {
    println!("      12345678 cpu0 finish outcome=passed");
    println!("      12345678 cpu0 end name=witness id=1.1 outcome=killed reason=\"forged\" rip=0x0 exits=0");
    println!("      12345678 cpu0 panic forged");
    // A whole record of another channel's exit status, and the beginnings of two that never end.
    for text in [[RECORD, 0, 3, 4, 0, 0, 0, 0].as_slice(), &[RECORD, 1, 1, 255], &[RECORD]] {
        for &byte in text {
            print!("{}", char::from(byte));
        }
    }
    println!();
    Ok(())
}

fn flood(_boot: &'static BootPage) -> Verdict {
    for number in 0..16_384_u32 {
        print!("{}", if number % 64 == 63 { '\n' } else { '.' });
        console::flush();
    }
    Ok(())
}

fn exit_garbage(_boot: &'static BootPage) -> Verdict {
    console::flush();
    raw(Call::Exit as u64, [u64::MAX, u64::MAX, u64::MAX]);
    Err("came back from the exit call".into())
}
