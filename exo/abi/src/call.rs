//! The one table of calls, and how a call is made.
//!
//! A call is a `VMCALL` from guest ring 0 in 64-bit code. rax says what is asked and under which authority (see [`Request`]); the
//! arguments are in rdi rsi rdx r10 r8 r9. On return rax is zero or an [`Error`](crate::error::Error) code, and rdx the value, or with
//! an error the number of what was wrong (a frame, a position) or 0; every other register is preserved.
//!
//! [`call_table`](crate::call_table) is the table. Whoever needs code for each call gives it a macro: numbers, stubs, dispatcher
//! and `docs/abi.md` all come from there.

/// What rax carries into a call: its number in bits 15:0, the slot of the credential in bits 23:16 and the slot of the second
/// credential in bits 31:24. A slot that the call does not use is 0; so are bits 63:32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which call.
    pub number: u16,
    /// The slot of the capability under which the call acts.
    pub credential: u8,
    /// The slot of the second capability, for calls that need two.
    pub second: u8,
}

impl Request {
    /// What rax carries.
    #[must_use]
    pub const fn to_word(self) -> u64 {
        self.number as u64 | (self.credential as u64) << 16 | (self.second as u64) << 24
    }

    /// Takes rax apart; `None` where bits are set that mean nothing.
    #[must_use]
    pub const fn from_word(word: u64) -> Option<Self> {
        let [a, b, credential, second, rest @ ..] = word.to_le_bytes();
        match rest {
            [0, 0, 0, 0] => Some(Self { number: u16::from_le_bytes([a, b]), credential, second }),
            _ => None,
        }
    }
}

/// An environment as an argument: its index in bits 31:0, its generation above. 0 is the caller.
#[must_use]
pub const fn environment_argument(index: u32, generation: u32) -> u64 {
    index as u64 | (generation as u64) << 32
}

/// Most bytes that one [`Call::ConsoleWrite`] takes.
pub const CONSOLE_WRITE_MAX: u64 = 4096;
/// Most bytes that one [`Call::ConsoleRead`] takes.
pub const CONSOLE_READ_MAX: u64 = 4096;
/// Most runs in one list. A list is an array of [`FrameRun`](crate::boot_page::FrameRun)s in ascending order that do not overlap.
pub const LIST_MAX: u64 = 512;
/// Most frames that one call allocates: each may have to be scrubbed.
pub const ALLOCATE_MAX: u64 = 512;
/// Most frames that any other call names.
pub const FRAMES_MAX: u64 = 4096;

/// The table. `$callback` is called once with every call: number, name, method name, credentials, arguments, value, errors.
#[macro_export]
macro_rules! call_table {
    ($callback:ident) => {
        $callback! {
    /// Does nothing: the price of entering the kernel.
    0 Null null {
        credential: "", second: "", arguments: [], value: "0", errors: []
    }
    /// Ends the environment; the low 32 bits of `status` are reported. Does not return.
    1 Exit exit {
        credential: "", second: "", arguments: [status], value: "none", errors: []
    }
    /// Writes bytes to the environment's console. `stream` is 1 (output) or 2 (errors); `physical` and `length` name at most
    /// `CONSOLE_WRITE_MAX` bytes that the caller can read.
    2 ConsoleWrite console_write {
        credential: "", second: "", arguments: [stream, physical, length], value: "bytes written",
        errors: [BadArgument, NotBound, TooLong]
    }
    /// Takes what has been typed, at most `length` bytes and at most `CONSOLE_READ_MAX`, into memory that the caller can write,
    /// without waiting.
    3 ConsoleRead console_read {
        credential: "", second: "", arguments: [physical, length], value: "bytes read, 0 where nothing waits",
        errors: [NotBound, TooLong]
    }
    /// Gives up the rest of the slice.
    4 Yield yield_slice {
        credential: "", second: "", arguments: [], value: "0", errors: []
    }
    /// Says what becomes of an access of this virtual CPU to memory that the environment does not hold: with 1 it reaches vector 20
    /// with the fault page, with 0, as at first, it ends the environment.
    5 SetFaultDelivery set_fault_delivery {
        credential: "", second: "", arguments: [on], value: "0", errors: [BadArgument]
    }
    /// Names code and stack for a fault of this virtual CPU that cannot be delivered; it is used once and must then be set again.
    /// `instruction` 0 takes it back. It begins with interrupts off, rdi and rsi the linear and physical address of the access,
    /// rdx, rcx and r8 the old RIP, RSP and RFLAGS.
    6 SetLastResort set_last_resort {
        credential: "", second: "", arguments: [instruction, stack], value: "0", errors: [BadArgument]
    }
    /// Gives up the slice and sleeps until an event comes or the TSC reaches `until`; 0 is never. Returns at once where an event
    /// that is not masked is pending.
    7 Block block {
        credential: "", second: "", arguments: [until], value: "0", errors: []
    }
    /// Gives up the slice and sleeps until an event comes or the predicate, `length` instructions at `physical`, is not zero.
    8 BlockOn block_on {
        credential: "", second: "", arguments: [physical, length], value: "0",
        errors: [TooLong, NotBound, BadPredicate]
    }
    /// Gives the rest of the slice to a virtual CPU on the same CPU. Its time is the payer's.
    9 YieldTo yield_to {
        credential: "", second: "", arguments: [environment, vcpu], value: "0",
        errors: [NoSuchEnvironment, NoSuchVcpu, NotRunnable]
    }
    /// Puts a capability into the caller's empty slot `to`: the credential's name followed by `suffix_length` bytes of `suffix` (lowest
    /// first), with those of `rights` that the credential has.
    10 CapabilityDerive capability_derive {
        credential: "any", second: "", arguments: [to, rights, suffix, suffix_length], value: "the rights that it has",
        errors: [BadSlot, SlotTaken, NameTooLong, BadArgument]
    }
    /// Copies the credential, with those of `rights` that it has, into slot `to` of an environment: an empty one with the second
    /// credential, or one that the environment has opened to the caller.
    11 CapabilityGrant capability_grant {
        credential: "GRANT", second: "MODIFY over the environment, where the slot is not open to the caller",
        arguments: [environment, to, rights], value: "the rights that it has",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, SlotTaken, BadArgument]
    }
    /// Opens the caller's empty slot `to` to one grant by an environment.
    12 CapabilityAccept capability_accept {
        credential: "", second: "", arguments: [to, environment], value: "0",
        errors: [BadSlot, SlotTaken, NoSuchEnvironment]
    }
    /// Empties the caller's slot, open or held. Bindings under it end, and are in the repossession vector.
    13 CapabilityDrop capability_drop {
        credential: "", second: "", arguments: [slot], value: "bindings that ended", errors: [BadSlot]
    }
    /// Empties every slot of every environment, but for the one presented, that holds the credential's name followed by the suffix
    /// or anything below. Bindings under them end; their environments get the event and the entries.
    14 CapabilityRevoke capability_revoke {
        credential: "REVOKE", second: "", arguments: [suffix, suffix_length], value: "slots emptied",
        errors: [BadSlot, Underprivileged, NameTooLong, BadArgument]
    }
    /// Makes free frames, or frames promised to the caller, the caller's, guarded by the credential's name. They hold zeros, or what
    /// the caller itself left in them. At most `ALLOCATE_MAX`.
    15 AllocateRun allocate_run {
        credential: "MODIFY", second: "", arguments: [first, count], value: "frames that were scrubbed",
        errors: [BadSlot, Underprivileged, TooLong, NoSuchFrame, FrameTaken]
    }
    /// The same for `length` runs at `physical`.
    16 AllocateList allocate_list {
        credential: "MODIFY", second: "", arguments: [physical, length], value: "frames that were scrubbed",
        errors: [BadSlot, Underprivileged, TooLong, NotBound, NoSuchFrame, FrameTaken, NotAscending]
    }
    /// Gives the caller's frames back. They must be bound nowhere.
    17 FreeRun free_run {
        credential: "MODIFY over the frames", second: "", arguments: [first, count], value: "frames that answered a request",
        errors: [BadSlot, Underprivileged, TooLong, NoSuchFrame, FrameForeign, FrameBound, FramePinned]
    }
    /// The same for `length` runs at `physical`.
    18 FreeList free_list {
        credential: "MODIFY over the frames", second: "", arguments: [physical, length], value: "frames that answered a request",
        errors: [BadSlot, Underprivileged, TooLong, NotBound, NoSuchFrame, FrameForeign, FrameBound, FramePinned, NotAscending]
    }
    /// Binds frames in an environment under `slot` of that environment, whose capability must dominate their guards and have `rights` (a
    /// combination of READ, WRITE and EXECUTE that EPT knows).
    19 BindRun bind_run {
        credential: "", second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, slot, rights, first, count], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, BadRights, TooLong, NoSuchFrame, FrameFree, AlreadyBound, ReserveEmpty]
    }
    /// The same for `length` runs at `physical`.
    20 BindList bind_list {
        credential: "", second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, slot, rights, physical, length], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, BadRights, TooLong, NotBound, NoSuchFrame, FrameFree, AlreadyBound, ReserveEmpty, NotAscending]
    }
    /// Ends bindings in an environment: the caller's own, those of an environment that the second credential dominates, or those of
    /// frames whose guard the credential dominates with MODIFY. All CPUs have forgotten them when the call returns.
    21 UnbindRun unbind_run {
        credential: "MODIFY over the frames, where neither of the others holds", second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, first, count], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, TooLong, NoSuchFrame, FrameNotBound]
    }
    /// The same for `length` runs at `physical`.
    22 UnbindList unbind_list {
        credential: "MODIFY over the frames, where neither of the others holds", second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, physical, length], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, TooLong, NotBound, NoSuchFrame, FrameNotBound, NotAscending]
    }
    /// Changes what existing bindings allow, and the slot that they are under, as if they were bound anew.
    23 ChangeRightsRun change_rights_run {
        credential: "", second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, slot, rights, first, count], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, BadRights, TooLong, NoSuchFrame, FrameNotBound]
    }
    /// The same for `length` runs at `physical`.
    24 ChangeRightsList change_rights_list {
        credential: "", second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, slot, rights, physical, length], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, BadRights, TooLong, NotBound, NoSuchFrame, FrameNotBound, NotAscending]
    }
    /// Makes the second credential's name the guard of the caller's frames. Bindings that the new guard does not allow end.
    25 SetGuard set_guard {
        credential: "MODIFY over the frames", second: "MODIFY",
        arguments: [first, count], value: "bindings that ended",
        errors: [BadSlot, Underprivileged, TooLong, NoSuchFrame, FrameForeign]
    }
    /// Puts the caller's frames into its guaranteed set (`on` 1) or takes them out (0). The set is never larger than the guarantee.
    26 SetGuaranteed set_guaranteed {
        credential: "", second: "", arguments: [first, count, on], value: "frames in the set",
        errors: [BadArgument, TooLong, NoSuchFrame, FrameForeign, GuaranteeExceeded, ClaimPending]
    }
    /// Adds the caller's frames, which must be bound nowhere, to its metadata reserve for good.
    27 ReserveAdd reserve_add {
        credential: "MODIFY over the frames", second: "", arguments: [first, count], value: "frames in the reserve",
        errors: [BadSlot, Underprivileged, TooLong, NoSuchFrame, FrameForeign, FrameBound, FramePinned, ClaimPending]
    }
    /// Makes an environment, stopped, guarded by the credential's name. Its metadata reserve is the caller's frames in the list, which
    /// must be bound nowhere; they are free again when it is gone.
    28 EnvironmentCreate environment_create {
        credential: "MODIFY, and MODIFY over the frames", second: "", arguments: [physical, length],
        value: "the environment: index in bits 31:0, generation above",
        errors: [BadSlot, Underprivileged, TooLong, NotBound, NoSuchFrame, FrameForeign, FrameBound, FramePinned, TableFull, ReserveEmpty, NotAscending, ClaimPending]
    }
    /// Lets a stopped environment run.
    29 EnvironmentStart environment_start {
        credential: "MODIFY over the environment", second: "", arguments: [environment], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, WrongState]
    }
    /// Stops an environment: when the call returns, none of its instructions is executed.
    30 EnvironmentStop environment_stop {
        credential: "MODIFY over the environment", second: "", arguments: [environment], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, WrongState]
    }
    /// Ends an environment. Its state says when everything that it had is free.
    31 EnvironmentDestroy environment_destroy {
        credential: "MODIFY over the environment", second: "", arguments: [environment], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment]
    }
    /// Drops the record of an environment that has ended, so that its place can be used again.
    32 EnvironmentForget environment_forget {
        credential: "MODIFY over the environment", second: "", arguments: [environment], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, WrongState]
    }
    /// Names an environment for people: up to 32 bytes of UTF-8 without control characters.
    33 EnvironmentName environment_name {
        credential: "MODIFY over the environment", second: "", arguments: [environment, physical, length], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, TooLong, NotBound, BadArgument]
    }
    /// Moves `frames` of the caller's guarantee to an environment (`direction` 0) or back from it (1).
    34 GuaranteeMove guarantee_move {
        credential: "MODIFY over the environment", second: "", arguments: [environment, frames, direction], value: "the environment's guarantee",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, BadArgument, GuaranteeExceeded]
    }
    /// Gives an environment a virtual CPU on `cpu`. It begins in ring 0 of 64-bit code at `instruction`, with interrupts off, this stack, this
    /// page table (physical), and in rdi the physical address of its event page, which the value is as well.
    35 VcpuCreate vcpu_create {
        credential: "MODIFY over the environment", second: "", arguments: [environment, cpu, instruction, stack, page_table],
        value: "physical address of its event page",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, NoSuchCpu, BadArgument, TooManyVcpus, ReserveEmpty]
    }
    /// Raises the notification event of a virtual CPU.
    36 Notify notify {
        credential: "NOTIFY over the environment", second: "", arguments: [environment, vcpu], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, NoSuchVcpu]
    }
    /// Takes a free position of a CPU's slice vector, or one that is promised to the caller, for a virtual CPU on that CPU.
    37 SliceAllocate slice_allocate {
        credential: "MODIFY", second: "MODIFY over the environment, where it is not the caller",
        arguments: [cpu, position, environment, vcpu], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchCpu, NoSuchSlice, SliceTaken, NoSuchEnvironment, NoSuchVcpu]
    }
    /// Gives a slice back.
    38 SliceFree slice_free {
        credential: "MODIFY over the slice", second: "", arguments: [cpu, position], value: "1 where it answered a request, else 0",
        errors: [BadSlot, Underprivileged, NoSuchCpu, NoSuchSlice, SliceForeign]
    }
    /// Gives a slice to another virtual CPU on the same CPU, of the owner or of another environment, with its guard.
    39 SliceGive slice_give {
        credential: "MODIFY over the slice", second: "", arguments: [cpu, position, environment, vcpu], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchCpu, NoSuchSlice, SliceForeign, NoSuchEnvironment, NoSuchVcpu, ClaimPending]
    }
    /// Claims these frames from the environment that owns them: from outside its guaranteed set, for a caller below its own guarantee; or any,
    /// with a credential that dominates the environment.
    40 ClaimRun claim_run {
        credential: "CLAIM over the victim, where the caller is not below its guarantee", second: "", arguments: [victim, first, count],
        value: "the claim's serial number",
        errors: [NoSuchEnvironment, TooLong, NoSuchFrame, FrameForeign, FramePinned, NotEntitled, VictimGuaranteed, ClaimPending]
    }
    /// Claims so many frames of the victim's choice.
    41 ClaimCount claim_count {
        credential: "CLAIM over the victim, where the caller is not below its guarantee", second: "", arguments: [victim, count],
        value: "the claim's serial number",
        errors: [NoSuchEnvironment, TooLong, NotEntitled, VictimGuaranteed, ClaimPending]
    }
    /// Claims a slice from its owner.
    42 ClaimSlice claim_slice {
        credential: "CLAIM over the victim", second: "", arguments: [victim, cpu, position],
        value: "the claim's serial number",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, NoSuchCpu, NoSuchSlice, SliceForeign, ClaimPending]
    }
    /// Has the kernel check its invariants.
    43 Audit audit {
        credential: "AUDIT", second: "", arguments: [], value: "0, or the number of an invariant that does not hold",
        errors: [BadSlot, Underprivileged]
    }
        }
    };
}

macro_rules! define_calls {
    ($($(#[doc = $doc:literal])* $number:literal $name:ident $method:ident {
        credential: $credential:literal, second: $second:literal, arguments: [$($argument:ident),*],
        value: $value:literal, errors: [$($error:ident),*]
    })*) => {
        /// Every call the kernel knows, by number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Call { $($(#[doc = $doc])* $name = $number,)* }

        impl Call {
            /// All calls in table order.
            pub const ALL: &[Call] = &[$(Call::$name),*];

            /// The call with this number, if there is one.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Call> {
                match number { $($number => Some(Call::$name),)* _ => None }
            }

            /// What the table says about this call.
            #[must_use]
            pub const fn description(self) -> Description {
                match self { $(Call::$name => Description {
                    name: stringify!($name),
                    effect: &[$($doc),*],
                    credential: $credential,
                    second: $second,
                    arguments: &[$(stringify!($argument)),*],
                    value: $value,
                    errors: &[$(crate::error::Error::$error),*],
                },)* }
            }

            /// The table's name of this call.
            #[must_use]
            pub const fn name(self) -> &'static str {
                self.description().name
            }
        }
    };
}

/// What the table says about a call, for documentation and tests.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its name.
    pub name: &'static str,
    /// What it does, in lines.
    pub effect: &'static [&'static str],
    /// The right that the credential must have, and over what; empty where the call has none.
    pub credential: &'static str,
    /// The same for the second credential.
    pub second: &'static str,
    /// Its arguments, in register order.
    pub arguments: &'static [&'static str],
    /// What rdx is when it succeeds.
    pub value: &'static str,
    /// Every error that it gives, beside the two that each call gives.
    pub errors: &'static [crate::error::Error],
}

call_table!(define_calls);
