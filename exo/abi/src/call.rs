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
    /// Says what becomes of this virtual CPU's accesses to memory that the environment does not hold: with 1 they reach its
    /// vector 20, told by the fault page; with 0, as at first, they end the environment.
    5 SetFaultDelivery set_fault_delivery {
        credential: "", second: "", arguments: [on], value: "0", errors: [BadArgument]
    }
    /// Names code and stack for a fault of this virtual CPU that cannot be delivered. The code begins with interrupts off, the
    /// linear and the physical address of the access in rdi and rsi, and the old RIP, RSP and RFLAGS in rdx, rcx and r8. It is used
    /// once and must then be set again; `instruction` 0 takes it back.
    6 SetLastResort set_last_resort {
        credential: "", second: "", arguments: [instruction, stack], value: "0", errors: [BadArgument]
    }
    /// Gives up the slice and sleeps until an event comes or the TSC reaches `until`; 0 is never. Returns at once where an
    /// unmasked event is pending.
    7 Block block {
        credential: "", second: "", arguments: [until], value: "0", errors: []
    }
    /// Gives up the slice and sleeps until an event comes or the wakeup predicate, `length` instructions at `physical`, is not zero.
    /// Returns at once where it is not, or an unmasked event is pending.
    8 BlockOn block_on {
        credential: "", second: "", arguments: [physical, length], value: "0",
        errors: [TooLong, NotBound, BadPredicate]
    }
    /// Gives the rest of the slice to a virtual CPU on the same CPU. Its time is the payer's.
    9 YieldTo yield_to {
        credential: "", second: "", arguments: [environment, vcpu], value: "0",
        errors: [NoSuchEnvironment, NoSuchVcpu, NotRunnable]
    }
    /// Puts a capability into the caller's empty slot `to`: the credential's name followed by `suffix_length` bytes of `suffix`,
    /// lowest first (the others are 0), with those of `rights` that the credential has.
    10 CapabilityDerive capability_derive {
        credential: "any", second: "", arguments: [to, rights, suffix, suffix_length], value: "the rights that it has",
        errors: [BadSlot, SlotTaken, NameTooLong, BadArgument]
    }
    /// Copies the credential, with those of `rights` that it has, into slot `to` of an environment. The slot is one that the
    /// environment has opened to the caller, or, with the second credential, an empty one.
    11 CapabilityGrant capability_grant {
        credential: "GRANT", second: "MODIFY over the environment, where the slot is not open to the caller",
        arguments: [environment, to, rights], value: "the rights that it has",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, SlotTaken, BadArgument]
    }
    /// Opens the caller's empty slot `to` to one grant by this environment.
    12 CapabilityAccept capability_accept {
        credential: "", second: "", arguments: [to, environment], value: "0",
        errors: [BadSlot, SlotTaken, NoSuchEnvironment]
    }
    /// Empties a slot of the caller's, open or held. Bindings under it end and are entered in the repossession vector.
    13 CapabilityDrop capability_drop {
        credential: "", second: "", arguments: [slot], value: "bindings that ended", errors: [BadSlot]
    }
    /// Empties every slot, of any environment, that holds the credential's name followed by the suffix, or a name below; the slot
    /// presented stays. Bindings under them end; their environments get the event CREDENTIAL_REVOKED and entries in the
    /// repossession vector.
    14 CapabilityRevoke capability_revoke {
        credential: "REVOKE", second: "", arguments: [suffix, suffix_length], value: "slots emptied",
        errors: [BadSlot, Underprivileged, NameTooLong, BadArgument]
    }
    /// Takes frames that are free or promised to the caller, at most `ALLOCATE_MAX`. They are guarded by the credential's name, and
    /// hold zeros or what the caller itself left in them. They are not bound yet.
    15 AllocateRun allocate_run {
        credential: "MODIFY", second: "", arguments: [first, count], value: "frames that were scrubbed",
        errors: [BadSlot, Underprivileged, TooLong, NoSuchFrame, FrameTaken]
    }
    /// As AllocateRun, for the list of `length` runs at `physical`.
    16 AllocateList allocate_list {
        credential: "MODIFY", second: "", arguments: [physical, length], value: "frames that were scrubbed",
        errors: [BadSlot, Underprivileged, TooLong, NotBound, NoSuchFrame, FrameTaken, NotAscending]
    }
    /// Gives frames of the caller's back: to the environment that claims them, else to nobody. They must be bound nowhere.
    17 FreeRun free_run {
        credential: "MODIFY over the frames", second: "", arguments: [first, count], value: "frames that answered a request",
        errors: [BadSlot, Underprivileged, TooLong, NoSuchFrame, FrameForeign, FrameBound, FramePinned]
    }
    /// As FreeRun, for the list of `length` runs at `physical`.
    18 FreeList free_list {
        credential: "MODIFY over the frames", second: "", arguments: [physical, length], value: "frames that answered a request",
        errors: [BadSlot, Underprivileged, TooLong, NotBound, NoSuchFrame, FrameForeign, FrameBound, FramePinned, NotAscending]
    }
    /// Binds frames in an environment under its slot `slot`: the capability there must dominate their guards and have `rights`, a
    /// combination of READ, WRITE and EXECUTE that the EPT can express. They then appear at their own physical addresses. A frame
    /// that is bound there already is refused as such, whatever guards it.
    19 BindRun bind_run {
        credential: "", second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, slot, rights, first, count], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, BadRights, TooLong, NoSuchFrame, FrameFree, AlreadyBound, ReserveEmpty]
    }
    /// As BindRun, for the list of `length` runs at `physical`.
    20 BindList bind_list {
        credential: "", second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, slot, rights, physical, length], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, BadRights, TooLong, NotBound, NoSuchFrame, FrameFree, AlreadyBound,
            ReserveEmpty, NotAscending]
    }
    /// Ends bindings in an environment: the caller, one that the second credential dominates, or any other where the credential
    /// dominates the frames' guards; that one gets entries in its repossession vector. When the call returns, all CPUs have
    /// forgotten the bindings.
    21 UnbindRun unbind_run {
        credential: "MODIFY over the frames, where the second does not hold and the environment is not the caller",
        second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, first, count], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, TooLong, NoSuchFrame, FrameNotBound]
    }
    /// As UnbindRun, for the list of `length` runs at `physical`.
    22 UnbindList unbind_list {
        credential: "MODIFY over the frames, where the second does not hold and the environment is not the caller",
        second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, physical, length], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, TooLong, NotBound, NoSuchFrame, FrameNotBound, NotAscending]
    }
    /// Changes the rights of bindings and the slot that they are under, with the checks of BindRun. When the call returns, all CPUs
    /// have forgotten the old rights.
    23 ChangeRightsRun change_rights_run {
        credential: "", second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, slot, rights, first, count], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, BadRights, TooLong, NoSuchFrame, FrameNotBound]
    }
    /// As ChangeRightsRun, for the list of `length` runs at `physical`.
    24 ChangeRightsList change_rights_list {
        credential: "", second: "MODIFY over the environment, where it is not the caller",
        arguments: [environment, slot, rights, physical, length], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, BadRights, TooLong, NotBound, NoSuchFrame, FrameNotBound, NotAscending]
    }
    /// Makes the second credential's name the guard of frames of the caller's. Bindings, of any environment, under capabilities
    /// that do not dominate the new guard end.
    25 SetGuard set_guard {
        credential: "MODIFY over the frames", second: "MODIFY",
        arguments: [first, count], value: "bindings that ended",
        errors: [BadSlot, Underprivileged, TooLong, NoSuchFrame, FrameForeign]
    }
    /// Puts frames of the caller's into its guaranteed set (`on` 1) or takes them out (0). Nobody but a dominator can claim a frame of
    /// the set, which is never larger than the guarantee.
    26 SetGuaranteed set_guaranteed {
        credential: "", second: "", arguments: [first, count, on], value: "frames in the set",
        errors: [BadArgument, TooLong, NoSuchFrame, FrameForeign, GuaranteeExceeded, ClaimPending]
    }
    /// Adds frames of the caller's to its metadata reserve, for as long as it lives. They must be bound nowhere. The caller pays
    /// with as much of its guarantee, beside its guaranteed set and promises; when it has ended, an ancestor has that. Frames that
    /// are claimed from the caller are refused, and so many that too few are left for a claim of any.
    27 ReserveAdd reserve_add {
        credential: "MODIFY over the frames", second: "", arguments: [first, count], value: "frames in the reserve",
        errors: [BadSlot, Underprivileged, TooLong, NoSuchFrame, FrameForeign, FrameBound, FramePinned, GuaranteeExceeded,
            ClaimPending]
    }
    /// Makes an environment, stopped, without virtual CPUs and guarded by the credential's name. Its metadata reserve is the caller's
    /// frames in the list of `length` runs at `physical`, which must be bound nowhere; they are free when it has ended. The caller
    /// pays for them with as much of its guarantee until then. What ReserveAdd refuses is refused here.
    28 EnvironmentCreate environment_create {
        credential: "MODIFY, and MODIFY over the frames", second: "", arguments: [physical, length],
        value: "the environment: index in bits 31:0, generation above",
        errors: [BadSlot, Underprivileged, TooLong, NotBound, NoSuchFrame, FrameForeign, FrameBound, FramePinned, TableFull,
            ReserveEmpty, NotAscending, GuaranteeExceeded, ClaimPending]
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
    /// Ends an environment and all that it has made. When its state is ENDED, everything that it had is free.
    31 EnvironmentDestroy environment_destroy {
        credential: "MODIFY over the environment", second: "", arguments: [environment], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment]
    }
    /// Drops the record of an environment that has ended, so that its index can be used again.
    32 EnvironmentForget environment_forget {
        credential: "MODIFY over the environment", second: "", arguments: [environment], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, WrongState]
    }
    /// Names an environment for people: 1 to 32 bytes of UTF-8. An empty name is refused, and so are control characters, `"` and
    /// `\`.
    33 EnvironmentName environment_name {
        credential: "MODIFY over the environment", second: "", arguments: [environment, physical, length], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, TooLong, NotBound, BadArgument]
    }
    /// Moves `frames` of the caller's guarantee to an environment (`direction` 0) or back from it (1): what it has beside the giver's
    /// guaranteed set, promises and claims within it. Nothing moves to an environment from which frames are claimed without a
    /// credential.
    34 GuaranteeMove guarantee_move {
        credential: "MODIFY over the environment", second: "", arguments: [environment, frames, direction],
        value: "the environment's guarantee",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, BadArgument, GuaranteeExceeded, ClaimPending]
    }
    /// Gives an environment a virtual CPU on `cpu`. It begins in ring 0 and 64-bit code at `instruction`, with interrupts off, RSP
    /// `stack`, CR3 `page_table` and in rdi the physical address of its event page.
    35 VcpuCreate vcpu_create {
        credential: "MODIFY over the environment", second: "", arguments: [environment, cpu, instruction, stack, page_table],
        value: "physical address of its event page",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, NoSuchCpu, BadArgument, TooManyVcpus, ReserveEmpty]
    }
    /// Raises the event NOTIFICATION of a virtual CPU.
    36 Notify notify {
        credential: "NOTIFY over the environment", second: "", arguments: [environment, vcpu], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, NoSuchVcpu]
    }
    /// Takes a position of a CPU's slice vector that is free or promised to the caller, for a virtual CPU on that CPU. It is
    /// guarded by the credential's name.
    37 SliceAllocate slice_allocate {
        credential: "MODIFY", second: "MODIFY over the environment, where it is not the caller",
        arguments: [cpu, position, environment, vcpu], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchCpu, NoSuchSlice, SliceTaken, NoSuchEnvironment, NoSuchVcpu]
    }
    /// Gives a slice of the caller's back: to the environment that claims it, else to nobody.
    38 SliceFree slice_free {
        credential: "MODIFY over the slice", second: "", arguments: [cpu, position], value: "1 where it answered a request, else 0",
        errors: [BadSlot, Underprivileged, NoSuchCpu, NoSuchSlice, SliceForeign]
    }
    /// Gives a slice of the caller's, with its guard, to another virtual CPU on the same CPU: its own or another environment's.
    39 SliceGive slice_give {
        credential: "MODIFY over the slice", second: "", arguments: [cpu, position, environment, vcpu], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchCpu, NoSuchSlice, SliceForeign, NoSuchEnvironment, NoSuchVcpu, ClaimPending]
    }
    /// Claims these frames of the victim's: for a caller that stays within its guarantee, from outside of the victim's guaranteed
    /// set; with a credential over the victim, any. The victim is asked, and has until the deadline in its environment page to
    /// give them back; then they are taken: without a credential, no more than it has above its guarantee. Either way they are
    /// promised to the caller. A claim within the caller's guarantee takes the place of one that rests on a credential alone.
    40 ClaimRun claim_run {
        credential: "CLAIM over the victim, where the caller would not stay within its guarantee", second: "",
        arguments: [victim, first, count],
        value: "the claim's serial number",
        errors: [BadArgument, NoSuchEnvironment, TooLong, NoSuchFrame, FrameForeign, FramePinned, NotEntitled, VictimGuaranteed,
            ClaimPending]
    }
    /// As ClaimRun, for so many frames of the victim's choice.
    41 ClaimCount claim_count {
        credential: "CLAIM over the victim, where the caller would not stay within its guarantee", second: "",
        arguments: [victim, count],
        value: "the claim's serial number",
        errors: [BadArgument, NoSuchEnvironment, TooLong, NotEntitled, VictimGuaranteed, ClaimPending]
    }
    /// Claims a slice of the victim's. It is asked, and in the end promised, as with ClaimRun.
    42 ClaimSlice claim_slice {
        credential: "CLAIM over the victim", second: "", arguments: [victim, cpu, position],
        value: "the claim's serial number",
        errors: [BadArgument, BadSlot, Underprivileged, NoSuchEnvironment, NoSuchCpu, NoSuchSlice, SliceForeign, ClaimPending]
    }
    /// Has the kernel check its invariants.
    43 Audit audit {
        credential: "AUDIT", second: "", arguments: [], value: "0, or the number of an invariant that does not hold",
        errors: [BadSlot, Underprivileged]
    }
    /// Makes a virtual CPU of the caller's a gate, guarded by the credential's name: once it waits, by GateReply, it can be called by
    /// whoever has bound it.
    44 GateOpen gate_open {
        credential: "MODIFY", second: "", arguments: [vcpu], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchVcpu, GateTaken]
    }
    /// Makes a virtual CPU of the caller's a gate no longer. Everybody's binding of it ends. A call under way ends as it would have; where
    /// the virtual CPU waits, or next does, its GateReply fails with NoSuchGate.
    45 GateClose gate_close {
        credential: "", second: "", arguments: [vcpu], value: "bindings that ended", errors: [NoSuchVcpu, NoSuchGate]
    }
    /// Binds a gate, a virtual CPU of another environment or of the caller's own, in the caller's empty gate slot `to`. The binding ends with
    /// the capability in the credential's slot.
    46 GateBind gate_bind {
        credential: "CALL over the gate", second: "", arguments: [environment, vcpu, to], value: "0",
        errors: [BadSlot, Underprivileged, NoSuchEnvironment, NoSuchVcpu, NoSuchGate, SlotTaken]
    }
    /// Empties a gate slot of the caller's.
    47 GateUnbind gate_unbind {
        credential: "", second: "", arguments: [slot], value: "0", errors: [NoSuchGate]
    }
    /// Calls the gate in the gate slot that stands where other calls have their credential. The rest of the slice, and later ones until
    /// the reply, run the gate. All general registers but rax and rsp are the message and arrive as they are, in both directions; the
    /// gate finds the caller's environment in rax. See `docs/gates.md`. With an error no message was answered, and rdx is a detail.
    48 GateCall gate_call {
        credential: "a gate slot", second: "", arguments: [], value: "the message's",
        errors: [NoSuchGate, GateElsewhere, GateStopped, GateBusy, CalleeEnded, CallExpired, CallRefused]
    }
    /// Replies to the caller of this gate, if it has one, and waits for the next message, with which it returns: rax is the environment
    /// that sent it, or an error where the gate is closed.
    49 GateReply gate_reply {
        credential: "", second: "", arguments: [], value: "the message's", errors: [NoSuchGate]
    }
    /// Sends the message, as GateCall does, to the gate in a gate slot, without waiting for an answer. A gate on this CPU that waits gets
    /// the rest of the slice; any other takes the message when it waits and next has a slice of its own. One message can lie there.
    50 GateSend gate_send {
        credential: "a gate slot", second: "", arguments: [], value: "0", errors: [NoSuchGate, GateStopped, GateBusy]
    }
    /// Bounds the calls of this virtual CPU: one whose reply has not come when so many TSC ticks have passed ends with CallExpired. 0, as at
    /// first, is no bound.
    51 SetCallLimit set_call_limit {
        credential: "", second: "", arguments: [ticks], value: "0", errors: []
    }
    /// Gives up the call that a virtual CPU of the caller's, on the caller's CPU, serves: whoever has called goes on with CallRefused, and
    /// the virtual CPU by itself, in slices of its own. So a caller that is stopped or has no time cannot keep a gate for ever.
    52 GateRelease gate_release {
        credential: "", second: "", arguments: [vcpu], value: "0", errors: [NoSuchVcpu, GateElsewhere, NotServing]
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
