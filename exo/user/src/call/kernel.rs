//! The typed stubs: a method for each call, made from the table.

use super::{Failure, Reply};
use exo_abi::call::{Call, Request};

/// The kernel, without privilege or memory of its own: every call is a `VMCALL`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Kernel for Machine {
    #[inline(always)]
    unsafe fn request(&mut self, request: Request, arguments: [u64; 6]) -> Reply {
        // SAFETY: the caller answers for what the call does.
        unsafe { super::raw(request.to_word(), arguments) }
    }
}

/// The arguments in as many registers as there are.
#[inline(always)]
const fn registers<const COUNT: usize>(arguments: [u64; COUNT]) -> [u64; 6] {
    let mut all = [0; 6];
    let mut index = 0;
    while index < COUNT {
        all[index] = arguments[index];
        index += 1;
    }
    all
}

macro_rules! kernel {
    ($($(#[doc = $doc:literal])* $number:literal $name:ident $method:ident {
        credential: $credential:tt, second: $second:tt, arguments: [$($argument:ident),*],
        value: $value:literal, errors: [$($error:ident),*]
    })*) => {
        /// Who answers calls: [`Machine`], or in a test something that plays the kernel. A method's parameters are the slots of
        /// the credentials that the call has, then its arguments in register order.
        ///
        /// # Errors
        /// Every method fails as [`Call::description`] says.
        ///
        /// # Safety
        /// A method is unsafe where the call can write or take away memory that Rust code may refer to, let others write it, or
        /// run code: whoever makes such a call answers for that memory and that code.
        #[allow(clippy::missing_errors_doc, clippy::missing_safety_doc)] // said once, above
        pub trait Kernel {
            /// Makes a call.
            unsafe fn request(&mut self, request: Request, arguments: [u64; 6]) -> Reply;

            $(stub! { $method [$(#[doc = $doc])*] $name ($credential $second) [$($argument)*] })*
        }
    };
}

/// Sorts the calls into those that are safe and those that are not.
macro_rules! stub {
    // Control goes elsewhere, and all registers are the message: see `crate::gate`.
    (gate_call $($rest:tt)*) => {};
    (gate_reply $($rest:tt)*) => {};
    (gate_send $($rest:tt)*) => {};
    (console_read $($rest:tt)*) => { stub! { @unsafe console_read $($rest)* } };
    (set_last_resort $($rest:tt)*) => { stub! { @unsafe set_last_resort $($rest)* } };
    (capability_grant $($rest:tt)*) => { stub! { @unsafe capability_grant $($rest)* } };
    (capability_drop $($rest:tt)*) => { stub! { @unsafe capability_drop $($rest)* } };
    (capability_revoke $($rest:tt)*) => { stub! { @unsafe capability_revoke $($rest)* } };
    (bind_run $($rest:tt)*) => { stub! { @unsafe bind_run $($rest)* } };
    (bind_list $($rest:tt)*) => { stub! { @unsafe bind_list $($rest)* } };
    (unbind_run $($rest:tt)*) => { stub! { @unsafe unbind_run $($rest)* } };
    (unbind_list $($rest:tt)*) => { stub! { @unsafe unbind_list $($rest)* } };
    (change_rights_run $($rest:tt)*) => { stub! { @unsafe change_rights_run $($rest)* } };
    (change_rights_list $($rest:tt)*) => { stub! { @unsafe change_rights_list $($rest)* } };
    (set_guard $($rest:tt)*) => { stub! { @unsafe set_guard $($rest)* } };
    (vcpu_create $($rest:tt)*) => { stub! { @unsafe vcpu_create $($rest)* } };
    // Which credentials the call has.
    (@unsafe $method:ident $doc:tt $name:ident ("" "") $arguments:tt) => {
        stub! { @make [unsafe] $method $doc $name self [] (0, 0) $arguments }
    };
    (@unsafe $method:ident $doc:tt $name:ident ($credential:tt "") $arguments:tt) => {
        stub! { @make [unsafe] $method $doc $name self [credential] (credential, 0) $arguments }
    };
    (@unsafe $method:ident $doc:tt $name:ident ("" $second:tt) $arguments:tt) => {
        stub! { @make [unsafe] $method $doc $name self [second] (0, second) $arguments }
    };
    (@unsafe $method:ident $doc:tt $name:ident ($credential:tt $second:tt) $arguments:tt) => {
        stub! { @make [unsafe] $method $doc $name self [credential second] (credential, second) $arguments }
    };
    // The method. `self` is handed down so that parameter and use agree on whose it is.
    (@make [$($unsafe:tt)?] $method:ident [$($doc:tt)*] $name:ident $self:ident [$($slot:ident)*]
        ($credential:expr, $second:expr) [$($argument:ident)*]) => {
        $($doc)*
        #[inline(always)]
        $($unsafe)? fn $method(&mut $self, $($slot: u8,)* $($argument: u64),*) -> Result<u64, Failure> {
            let request = Request { number: Call::$name as u16, credential: $credential, second: $second };
            // SAFETY: a call that can do harm has an unsafe method, whose caller answers for it.
            unsafe { $self.request(request, registers([$($argument),*])) }.result()
        }
    };
    // All others are safe.
    ($method:ident $doc:tt $name:ident ("" "") $arguments:tt) => {
        stub! { @make [] $method $doc $name self [] (0, 0) $arguments }
    };
    ($method:ident $doc:tt $name:ident ($credential:tt "") $arguments:tt) => {
        stub! { @make [] $method $doc $name self [credential] (credential, 0) $arguments }
    };
    ($method:ident $doc:tt $name:ident ("" $second:tt) $arguments:tt) => {
        stub! { @make [] $method $doc $name self [second] (0, second) $arguments }
    };
    ($method:ident $doc:tt $name:ident ($credential:tt $second:tt) $arguments:tt) => {
        stub! { @make [] $method $doc $name self [credential second] (credential, second) $arguments }
    };
}

exo_abi::call_table!(kernel);
