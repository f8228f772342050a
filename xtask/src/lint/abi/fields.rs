//! Where the fields of the shared structures are, as the compiler says.

use exo_abi::{boot_page, capability, counters, environment_page, events, fault_page, info, wakeup};
use std::mem::offset_of;

/// A structure that both sides see.
#[derive(Clone, Debug)]
pub struct Struct {
    /// Its path in the crate, such as `info::SystemPage`.
    pub path: &'static str,
    /// Its bytes.
    pub size: usize,
    /// Its fields in order.
    pub fields: Vec<Field>,
}

/// One field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its first byte.
    pub offset: usize,
    /// Its bytes.
    pub size: usize,
}

fn size_of_field<S, F>(_: impl FnOnce(&S) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! structs {
    ($($module:ident $name:ident { $($field:ident)* })*) => {
        vec![$(Struct {
            path: concat!(stringify!($module), "::", stringify!($name)),
            size: size_of::<$module::$name>(),
            fields: vec![$(Field {
                name: stringify!($field),
                offset: offset_of!($module::$name, $field),
                size: size_of_field(|whole: &$module::$name| &whole.$field),
            },)*],
        },)*]
    };
}

/// All structures. One that is missing here, or lacks a field, is an error of the lint.
pub fn structs() -> Vec<Struct> {
    structs! {
        boot_page BootPage {
            magic abi_version environment_index environment_generation cpu tsc_hertz slice_ticks physical_window image_base
            image_size stack_bottom stack_top counters_physical fault_page_physical event_page_physical
            environment_page_physical system_page_physical boot_page_physical page_table_physical used_frames data_physical data_length run_count
            arguments_length name_length capability_count name runs capabilities arguments
        }
        boot_page FrameRun { first count }
        boot_page ListedCapability { slot rights name }
        info SystemPage {
            magic abi_version cpus tsc_hertz began slice_ticks grace_ticks frame_count frame_table environment_table slice_vectors
            frames_guaranteed frames_guaranteeable revocation shootdowns calls failed_calls
        }
        info RevocationCounters {
            requests refused answered forced given taken answer_ticks deadline_ticks force_ticks
        }
        info FrameRecord { state flags owner_index owner_generation binders guard }
        info EnvironmentRecord {
            generation state outcome status parent_index parent_generation vcpus slices guard guarantee frames promised
            reserve ticks name_length reserved name
        }
        info SliceVector { slices position begun reserved }
        info SliceRecord { state flags vcpu owner_index owner_generation penalties guard }
        events EventPage {
            pending mask vector wants_slice_end slice_begin slice_end slices ticks excess penalties counters fault_page
            environment_page system_page environment_index environment_generation vcpu cpu
        }
        environment_page EnvironmentPage { request claim repossessed repossessions }
        environment_page Request {
            serial kind phase first count left other_index other_generation time_to_run deadline
        }
        environment_page Repossession { kind reason first count }
        fault_page FaultPage { reason busy qualification linear physical view reserved }
        counters CountersPage { exits slices injections interrupt_windows }
        wakeup Instruction { operation operand }
        // Its one field is its own affair; `facts` pins the bytes.
        capability Name {}
    }
}
