use super::extents::{Extents, Memory};
use core::alloc::Layout;
use core::ptr::NonNull;
use proptest::prelude::*;
use std::alloc::{alloc, dealloc};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::vec::Vec;
use talc::{OomHandler, Talc};

const FRAME: usize = 4096;

/// A piece of the host's memory that fills what it gives back, so that whoever still uses that notices.
struct Piece {
    base: usize,
    length: usize,
    whole: usize,
    held: Arc<AtomicUsize>,
}

impl Piece {
    fn new(frames: usize, held: &Arc<AtomicUsize>) -> Self {
        let length = frames * FRAME;
        // SAFETY: the layout has a size.
        let base = unsafe { alloc(Layout::from_size_align(length, FRAME).unwrap_or_else(|e| panic!("{e}"))) };
        held.fetch_add(length, Ordering::Relaxed);
        Self { base: base.expose_provenance(), length, whole: length, held: Arc::clone(held) }
    }
}

impl Memory for Piece {
    fn base(&self) -> *mut u8 {
        core::ptr::with_exposed_provenance_mut(self.base)
    }

    fn length(&self) -> usize {
        self.length
    }

    fn shorten(&mut self, frames: usize) {
        let gone = self.length - frames * FRAME;
        self.length -= gone;
        // SAFETY: it is of this piece, which is the heap's no more.
        unsafe { self.base().add(self.length).write_bytes(0xdd, gone) };
        self.held.fetch_sub(gone, Ordering::Relaxed);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.held.fetch_sub(self.length, Ordering::Relaxed);
        // SAFETY: made by `new` with this layout.
        unsafe { dealloc(self.base(), Layout::from_size_align(self.whole, FRAME).unwrap_or_else(|e| panic!("{e}"))) };
    }
}

struct Host {
    extents: Extents<Piece>,
    held: Arc<AtomicUsize>,
}

impl OomHandler for Host {
    fn handle_oom(talc: &mut Talc<Self>, layout: Layout) -> Result<(), ()> {
        let frames = (layout.size() + 2 * layout.align()).div_ceil(FRAME) + 1;
        let piece = Piece::new(frames.max(4), &talc.oom_handler.held);
        Extents::add(talc, |host| &mut host.extents, piece)
    }
}

fn host() -> (Talc<Host>, Arc<AtomicUsize>) {
    let held = Arc::new(AtomicUsize::new(0));
    (Talc::new(Host { extents: Extents::new(), held: Arc::clone(&held) }), held)
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 8).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn what_is_not_used_any_more_is_given_back_but_for_the_first_extent() {
    let (mut talc, held) = host();
    // SAFETY: the layouts have sizes.
    let pieces: Vec<NonNull<u8>> = (0..50).map(|_| unsafe { talc.malloc(layout(100_000)).unwrap() }).collect();
    let most = held.load(Ordering::Relaxed);
    assert!(most >= 50 * 100_000);
    assert_eq!(
        Extents::trim(&mut talc, |host| &mut host.extents) / (50 * 3 * FRAME),
        0,
        "little more than was asked for"
    );
    for piece in pieces {
        // SAFETY: each is freed once.
        unsafe { talc.free(piece, layout(100_000)) };
    }
    let before = held.load(Ordering::Relaxed);
    let freed = Extents::trim(&mut talc, |host| &mut host.extents);
    assert_eq!(held.load(Ordering::Relaxed), before - freed);
    // The allocator's own words are in the first.
    assert_eq!(held.load(Ordering::Relaxed), FRAME);
    // SAFETY: the layout has a size.
    assert!(unsafe { talc.malloc(layout(50_000)) }.is_ok());
}

/// What is done with a heap.
#[derive(Clone, Debug)]
enum Step {
    Take(usize),
    Free(usize),
    Trim,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn nothing_in_use_is_given_back(steps in proptest::collection::vec(prop_oneof![
        5 => (1..5_000usize).prop_map(Step::Take),
        1 => (20_000..60_000usize).prop_map(Step::Take),
        5 => any::<usize>().prop_map(Step::Free),
        1 => Just(Step::Trim),
    ], 1..200)) {
        let (mut talc, held) = host();
        let mut used: Vec<(NonNull<u8>, usize, u8)> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Take(bytes) => {
                    // SAFETY: the layout has a size, and what was taken is as long.
                    let piece = unsafe {
                        let piece = talc.malloc(layout(bytes)).unwrap();
                        piece.write_bytes(number as u8, bytes);
                        piece
                    };
                    used.push((piece, bytes, number as u8));
                }
                Step::Free(_) if used.is_empty() => {}
                Step::Free(which) => {
                    let which = which % used.len();
                    let (piece, bytes, _) = used.swap_remove(which);
                    // SAFETY: each is freed once.
                    unsafe { talc.free(piece, layout(bytes)) };
                }
                Step::Trim => {
                    Extents::trim(&mut talc, |host| &mut host.extents);
                }
            }
            prop_assert_eq!(talc.oom_handler.extents.bytes(), held.load(Ordering::Relaxed));
            for &(piece, bytes, value) in used.iter() {
                // SAFETY: it is in use, and so long.
                let bytes = unsafe { core::slice::from_raw_parts(piece.as_ptr(), bytes) };
                prop_assert!(bytes.iter().all(|&byte| byte == value));
            }
        }
    }
}
