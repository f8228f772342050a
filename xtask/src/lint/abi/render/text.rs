//! What the document says beside the tables.

use exo_abi::cpuid;

/// One section after those on calls.
pub struct Section {
    /// Its heading.
    pub heading: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Paths of structures, and of modules for their constants, in order.
    pub parts: &'static [&'static str],
}

pub const HEAD: &str = "\
# The contract

Version {version}, digest `{digest}`. Written by `cargo xtask lint --bless` from `exo/abi`, checked by `cargo xtask lint`. What a library OS is compiled
against (numbers, arguments, errors, offsets, sizes, constants) is in the digest, and `exo/abi/versions.txt` keeps one digest for
each version: a change without a new `ABI_VERSION` is an error.

All numbers are little-endian, all addresses in bytes, all times in ticks of the TSC. A *frame* is 4096 bytes of physical memory, and its
number is its address / 4096: guest-physical and host-physical addresses are the same.
";

pub const CONVENTION: &str = "
## How a call is made

A call is `VMCALL` in ring 0 and 64-bit code; anywhere else it raises #UD.

| Register | Into the call | On return |
|---|---|---|
| rax 15:0 | the number | rax is 0, or the number of an error |
| rax 23:16 | the slot of the credential; 0 where the call has none | |
| rax 31:24 | the slot of the second credential; 0 where the call has none, or the condition for it does not hold | |
| rax 63:32 | 0 | |
| rdi rsi rdx r10 r8 r9 | the arguments | preserved, but rdx |
| rdx | the third argument | the value; with an error the number of what was wrong (a frame, a slot, an argument's value), or 0 |
| all others | | preserved, RFLAGS and vector registers included |

* **Credentials.** A call acts under the capability in the slot that it presents, and under no other. \"MODIFY over the frames\" means: the
  capability's name is a prefix of the guard of each frame, and its rights include MODIFY. \"MODIFY\" alone asks for the right, and
  the capability's name becomes the guard. `docs/capabilities.md` explains names, guards and slots.
* **Environments** as arguments: the index in bits 31:0, the generation in bits 63:32; 0 is the caller.
* **Memory** arguments are physical addresses. The caller must have every frame of them bound, readable, or writable where the call
  writes; a byte is read once.
* **Lists** are arrays of `FrameRun`s in ascending order that do not overlap.
* **Check, then change.** A call that fails has changed nothing.
* **Errors of every call**: 1 UnknownCall, where rax has a number that no call has or bits above 31; 2 BadArgument, where it has a slot for a credential
  that the call has not. Each call lists the others.
* **Cost.** Each call is one exit of its caller. Calls that end bindings or act on another environment can make other CPUs exit once.
";

pub const SECTIONS: &[Section] = &[
    Section {
        heading: "Limits of calls",
        about: "More is the error TooLong, or for slots and names BadSlot, BadArgument and NameTooLong.",
        parts: &["call"],
    },
    Section {
        heading: "Capabilities",
        about: "An environment has `SLOTS` slots, each empty, open to one grant, or holding a capability: a name and rights.",
        parts: &["capability", "capability::Name", "capability::rights"],
    },
    Section {
        heading: "Boot page",
        about: "One for each environment of the manifest; its address in the physical window is in rdi at the first instruction. The frame is \
                the environment's own.",
        parts: &["boot_page::BootPage", "boot_page::FrameRun", "boot_page::ListedCapability", "boot_page"],
    },
    Section {
        heading: "System page",
        about: "One for the machine, read-only for everybody. It leads to the frame table, the table of environments and the slice vectors.",
        parts: &["info::SystemPage", "info::RevocationCounters", "info"],
    },
    Section {
        heading: "Frame table",
        about: "One record for each frame by number, read-only for everybody.",
        parts: &["info::FrameRecord", "info::frame_state", "info::frame_flags"],
    },
    Section {
        heading: "Table of environments",
        about: "One record for each index, read-only for everybody.",
        parts: &["info::EnvironmentRecord", "info::environment_state", "info::environment_outcome"],
    },
    Section {
        heading: "Slice vectors",
        about: "One page for each CPU, read-only for everybody.",
        parts: &["info::SliceVector", "info::SliceRecord", "info::slice_state"],
    },
    Section {
        heading: "Event page",
        about: "One for each virtual CPU, which kernel and library OS both write. The library OS clears pending bits by an atomic exchange.",
        parts: &["events::EventPage", "events"],
    },
    Section {
        heading: "Environment page",
        about: "One for each environment, which it reads: what is asked of it, what it claims, what it has lost.",
        parts: &[
            "environment_page::EnvironmentPage",
            "environment_page::Request",
            "environment_page::Repossession",
            "environment_page::kind",
            "environment_page::phase",
            "environment_page::reason",
            "environment_page",
        ],
    },
    Section {
        heading: "Fault page",
        about: "One for each virtual CPU: the access to memory that the environment does not hold.",
        parts: &["fault_page::FaultPage", "fault_page"],
    },
    Section {
        heading: "Counters page",
        about: "One for each virtual CPU, which its environment reads.",
        parts: &["counters::CountersPage", "counters"],
    },
    Section {
        heading: "Wakeup predicates",
        about: "A program of BlockOn: what is left on top of the stack at its end is the predicate's value.",
        parts: &["wakeup::Instruction", "wakeup::operation", "wakeup"],
    },
    Section {
        heading: "A new environment's address space",
        about: "Of an environment of the manifest. From its first instruction on it may change everything.",
        parts: &["layout"],
    },
    Section {
        heading: "Console records",
        about: "How the host takes consoles and log apart: a record is `RECORD`, the environment's index, the stream (1 output, 2 errors, 3 exit status), \
                the length, and so many bytes.",
        parts: &["console"],
    },
    Section {
        heading: "Console input",
        about: "What ConsoleRead gives is what the host sends. A byte stands for itself, but `ESCAPE`, after which comes `ESCAPE` again for that byte, `END` for \
                the end of the input, or `WINDOW` and columns and rows of the terminal, two bytes each, little-endian. What else comes after it is passed over.",
        parts: &["console::input"],
    },
];

/// How a guest knows where it is.
pub fn recognition() -> String {
    let signature = String::from_utf8_lossy(&cpuid::SIGNATURE).into_owned();
    format!("\n## CPUID\n\nThe signature is \"{signature}\", four bytes each in EBX, ECX and EDX.\n")
}
