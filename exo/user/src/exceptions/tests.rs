use super::local::{Local, MAIN_OFFSET};
use super::stacks::{AREA, AREAS, DEBUG, LEVELS, MAIN, NMI, STACK_BYTES, STRIDE, area, is_between, next_stack};
use super::table::gate;
use super::{ExceptionFrame, entry};
use exo_abi::info::MAX_VCPUS;
use std::collections::BTreeSet;
use std::vec::Vec;

/// The first area.
const BASE: u64 = AREAS;

#[test]
fn a_gate_is_laid_out_as_the_manual_says() {
    assert_eq!(gate(0xffff_ffff_8012_3450, 1, true), [0x8012_ee01_0008_3450, 0xffff_ffff]);
}

#[test]
fn stubs_agree_in_the_second_word_of_a_gate_and_are_where_they_should_be() {
    let vectors = 0..u8::try_from(entry::FAST).unwrap();
    let fast = (0..MAX_VCPUS).flat_map(|vcpu| vectors.clone().map(move |vector| (vcpu, vector)));
    let fast: Vec<(usize, u8, u64)> = fast.map(|(vcpu, vector)| (vcpu, vector, entry::fast(vcpu, vector))).collect();
    let stubs = (0..=255).map(entry::full).chain(fast.iter().map(|&(_, _, stub)| stub));
    assert_eq!(stubs.map(|stub| stub >> 32).collect::<BTreeSet<u64>>().len(), 1);
    assert!(fast.is_sorted_by_key(|&(_, _, stub)| stub));
    for (vcpu, vector, stub) in fast {
        // SAFETY: code of this program, longer than that.
        let code = unsafe { core::slice::from_raw_parts(stub as *const u8, 40) };
        // PUSH RAX once or twice and the rest of nine; then SUB of what this virtual CPU's common pointer is.
        let pushed = if entry::has_error_code(vector) { 14 } else { 13 };
        let pointer = u32::try_from((area(vcpu) + MAIN_OFFSET as u64) & 0xffff_ffff).unwrap().to_le_bytes();
        assert_eq!(code[..2], [0x50, if pushed == 14 { 0x50 } else { 0x51 }], "{vcpu} {vector}");
        assert_eq!(code[pushed..pushed + 4], [0x48, 0x81, 0x2c, 0x25], "{vcpu} {vector}");
        assert_eq!(code[pushed + 4..pushed + 8], pointer, "{vcpu} {vector}");
    }
}

#[test]
fn each_nested_exception_has_the_next_stack_and_all_else_the_first() {
    let first = next_stack(BASE, 0xffff_ff80_0010_0000);
    for elsewhere in [0, BASE, BASE + AREA - 1, first + 1, first + STRIDE, 0x1000_0000_0000, u64::MAX] {
        assert_eq!(next_stack(BASE, elsewhere), first, "{elsewhere:#x}");
    }
    let mut stack = first;
    for _ in 0..LEVELS {
        let below = next_stack(BASE, stack);
        assert_eq!(below, stack - STRIDE);
        for used in [0, 1, 176, STACK_BYTES - 1, STACK_BYTES] {
            assert_eq!(next_stack(BASE, stack - used), below, "{used} bytes on it");
        }
        stack = below;
    }
    assert_eq!(next_stack(BASE, stack), first, "there is no stack beyond the last");
}

#[test]
fn below_each_stack_there_is_nothing() {
    let first = next_stack(BASE, 0);
    for level in 0..LEVELS {
        let top = first - level * STRIDE;
        assert!(!is_between(top - 1) && !is_between(top - STACK_BYTES));
        assert!(is_between(top - STACK_BYTES - 1) && is_between(top - STRIDE));
    }
    assert!(!is_between(BASE - 1) && !is_between(BASE + 8 * AREA));
}

#[test]
fn contexts_begin_in_the_ring_that_they_are_for() {
    assert!(!ExceptionFrame::in_ring_0(1, 2).is_ring_3());
    let program = ExceptionFrame::in_ring_3(0x1000, 0x2000);
    assert!(program.is_ring_3());
    assert_eq!((program.rip, program.rsp, program.rflags & 0x200, program.ss & 3), (0x1000, 0x2000, 0x200, 3));
}

/// The first page of an area at its place, which nothing else of the area needs.
fn local() -> &'static Local {
    let layout = std::alloc::Layout::from_size_align(size_of::<Local>(), usize::try_from(AREA).unwrap()).unwrap();
    // SAFETY: fresh memory of that size and alignment, which is never freed.
    unsafe {
        let place = std::alloc::alloc(layout).cast::<Local>();
        place.write(Local::new(place as u64));
        &*place
    }
}

/// What the CPU and the entry code do: the stack that the exception runs on.
fn nested(local: &Local) -> u64 {
    let stack = local.pointer_of(MAIN);
    local.lower_main();
    stack - 176
}

#[test]
fn whoever_leaves_handlers_behind_has_their_stacks_again() {
    let local = local();
    let all = || [DEBUG, MAIN].map(|index| local.pointer_of(index));
    let fresh = all();
    for deep in 0..3 {
        let outer: Vec<u64> = (0..deep).map(|_| nested(local)).collect();
        let before = all();
        // A debug exception, and two more inside it.
        let debug = local.pointer_of(DEBUG) - 176;
        local.enter(DEBUG);
        let first = (all(), nested(local));
        let second = (all(), nested(local));
        // Back to the debug exception's own handler, and to the first inside it: the stacks outside stay in use.
        local.continue_on(first.1);
        assert_eq!(all(), second.0);
        local.continue_on(debug);
        assert_eq!(all(), first.0);
        // Out of it, to where it came from and further.
        _ = nested(local);
        local.continue_on(outer.last().copied().unwrap_or(0x1000));
        assert_eq!(all(), before);
        local.continue_on(0x1000);
        assert_eq!(all(), fresh);
    }
}

#[test]
fn a_special_stack_is_left_as_it_was_entered() {
    let local = local();
    _ = nested(local);
    let before = [DEBUG, NMI, MAIN].map(|index| local.pointer_of(index));
    local.enter(DEBUG);
    local.enter(NMI);
    assert_eq!(local.depth(), 3, "each leaves one out, in which there may be a frame");
    local.leave(NMI);
    local.leave(DEBUG);
    assert_eq!([DEBUG, NMI, MAIN].map(|index| local.pointer_of(index)), before);
}
