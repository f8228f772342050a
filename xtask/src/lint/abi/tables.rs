//! The values of the constants that both sides use.

/// What values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Counts, codes, addresses.
    Numbers,
    /// Bits of one word.
    Bits,
}

/// The integer constants of one module.
#[derive(Clone, Debug)]
pub struct Constants {
    /// The module's path in the crate, such as `capability::rights`.
    pub path: String,
    /// What they are.
    pub kind: Kind,
    /// Names and values in order.
    pub values: Vec<(&'static str, u64)>,
}

macro_rules! constants {
    ($($($module:ident)::+ as $kind:ident { $($name:ident)* })*) => {
        vec![$(Constants {
            path: [$(stringify!($module)),+].join("::"),
            kind: Kind::$kind,
            values: {
                use exo_abi::$($module)::+ as module;
                vec![$((stringify!($name), module::$name as u64),)*]
            },
        },)*]
    };
}

/// All integer constants of the crate. One that is missing here is an error of the lint.
pub fn constants() -> Vec<Constants> {
    constants! {
        call as Numbers { CONSOLE_WRITE_MAX CONSOLE_READ_MAX LIST_MAX ALLOCATE_MAX FRAMES_MAX }
        capability as Numbers { SLOTS GATE_SLOTS NAME_MAX SUFFIX_MAX }
        capability::rights as Bits {
            READ WRITE EXECUTE MODIFY GRANT REVOKE CLAIM NOTIFY AUDIT CALL ALL
        }
        boot_page as Numbers { MAGIC MAX_RUNS MAX_ARGUMENTS MAX_CAPABILITIES }
        info as Numbers { SYSTEM_MAGIC MAX_ENVIRONMENTS MAX_VCPUS SLICE_POSITIONS MAX_NAME }
        info::frame_state as Numbers { UNUSABLE KERNEL FREE OWNED QUARANTINED PROMISED }
        info::frame_flags as Bits { DIRTY GUARANTEED PINNED }
        info::environment_state as Numbers { EMPTY STOPPED RUNNING DYING ENDED }
        info::environment_outcome as Numbers { NONE EXITED KILLED DESTROYED }
        info::slice_state as Numbers { FREE OWNED PROMISED }
        events as Bits {
            SLICE_BEGIN SLICE_END REVOCATION REPOSSESSION CREDENTIAL_REVOKED CHILD_EXIT CLAIM NOTIFICATION TIMER CALLER_GONE
            INPUT
        }
        environment_page as Numbers { REPOSSESSIONS ANY }
        environment_page::kind as Numbers { NONE FRAMES SLICE }
        environment_page::phase as Numbers { NONE REQUESTED ANSWERED FORCED CANCELLED }
        environment_page::reason as Numbers { FORCED CREDENTIAL OWNER }
        fault_page as Numbers { FAULT_VECTOR REASON_EPT_VIOLATION BUSY READ WRITE EXECUTE }
        counters as Numbers { EXIT_REASONS }
        wakeup as Numbers { MAX_INSTRUCTIONS MAX_STACK }
        wakeup::operation as Numbers {
            CONSTANT WORD CLOCK ADD SUBTRACT AND OR EXCLUSIVE_OR EQUAL NOT_EQUAL LESS LESS_OR_EQUAL
        }
        layout as Numbers {
            FRAME_SIZE PHYSICAL_WINDOW IMAGE_BASE STACK_TOP STACK_SIZE CODE_SELECTOR DATA_SELECTOR
        }
        console as Numbers { RECORD RECORD_MAX }
        console::input as Numbers { ESCAPE END WINDOW }
        cpuid as Numbers { SIGNATURE_LEAF VERSION_LEAF }
    }
}
