use super::{Failure, Kernel, Reply};
use exo_abi::call::{Call, Request};
use exo_abi::error::Error;
use std::vec::Vec;

/// Notes what it is asked.
#[derive(Default)]
struct Recorder {
    calls: Vec<(Request, [u64; 6])>,
    code: u64,
}

impl Kernel for Recorder {
    unsafe fn request(&mut self, request: Request, arguments: [u64; 6]) -> Reply {
        self.calls.push((request, arguments));
        Reply { code: self.code, value: 7 }
    }
}

fn request(call: Call, credential: u8, second: u8) -> Request {
    Request { number: call as u16, credential, second }
}

#[test]
fn stubs_put_slots_and_arguments_where_the_table_has_them() {
    let mut kernel = Recorder::default();
    kernel.allocate_run(3, 100, 20).unwrap();
    // SAFETY: nobody executes these calls.
    unsafe {
        kernel.capability_grant(1, 2, 10, 11, 12).unwrap();
        kernel.bind_run(5, 10, 11, 12, 13, 14).unwrap();
        kernel.console_read(1, 2).unwrap();
    }
    kernel.audit(9).unwrap();
    let expected = [
        (request(Call::AllocateRun, 3, 0), [100, 20, 0, 0, 0, 0]),
        (request(Call::CapabilityGrant, 1, 2), [10, 11, 12, 0, 0, 0]),
        (request(Call::BindRun, 0, 5), [10, 11, 12, 13, 14, 0]),
        (request(Call::ConsoleRead, 0, 0), [1, 2, 0, 0, 0, 0]),
        (request(Call::Audit, 9, 0), [0; 6]),
    ];
    assert_eq!(kernel.calls, expected);
}

#[test]
fn an_error_carries_what_was_wrong() {
    let mut kernel = Recorder { code: Error::FrameTaken.number(), ..Recorder::default() };
    let failure = kernel.allocate_run(0, 7, 1).unwrap_err();
    assert_eq!(failure, Failure { error: Error::FrameTaken, detail: 7 });
    assert_eq!(std::format!("{failure}"), "a frame is not free (0x7)");
}
