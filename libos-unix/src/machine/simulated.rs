//! A machine for tests: each thread of the host has one of its own.

use crate::errno::Result;
use crate::memory::{FRAME_BYTES, UserMemory};
use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::thread_local;

struct Simulated {
    bytes: Box<[u8; FRAME_BYTES]>,
    shares: u32,
}

thread_local! {
    static FRAMES: RefCell<BTreeMap<u64, Simulated>> = const { RefCell::new(BTreeMap::new()) };
    static NEXT: Cell<u64> = const { Cell::new(1) };
    static LIMIT: Cell<usize> = const { Cell::new(1 << 16) };
    static TICKS: Cell<u64> = const { Cell::new(0) };
    static FLUSHES: Cell<u64> = const { Cell::new(0) };
}

/// Has the machine be out of frames from so many on.
pub fn set_frame_limit(frames: usize) {
    LIMIT.set(frames);
}

/// How many frames are in use.
#[must_use]
pub fn frames_in_use() -> usize {
    FRAMES.with_borrow(BTreeMap::len)
}

/// How many frames are to be had.
#[must_use]
pub fn free_frames() -> u64 {
    (LIMIT.get() - frames_in_use()) as u64
}

/// How many frames there are.
#[must_use]
pub fn total_frames() -> u64 {
    LIMIT.get() as u64
}

pub(crate) fn has_room(bytes: usize) -> bool {
    free_frames() as usize >= bytes / FRAME_BYTES
}

pub(crate) const fn take_emergency() -> bool {
    false
}

pub(crate) const fn refill_reserve() -> bool {
    true
}

pub(crate) const fn breathe() {}

/// Lets time pass.
pub fn advance(ticks: u64) {
    TICKS.set(TICKS.get() + ticks);
}

fn with<R>(number: u64, work: impl FnOnce(&mut Simulated) -> R) -> R {
    FRAMES.with_borrow_mut(|frames| {
        let Some(frame) = frames.get_mut(&number) else { panic!("frame {number} is nobody's") };
        work(frame)
    })
}

pub(crate) fn take_frame() -> Option<u64> {
    FRAMES.with_borrow_mut(|frames| {
        if frames.len() >= LIMIT.get() {
            return None;
        }
        let number = NEXT.replace(NEXT.get() + 1);
        // What nobody has cleared is no zeros.
        frames.insert(number, Simulated { bytes: Box::new([0xa5; FRAME_BYTES]), shares: 1 });
        Some(number)
    })
}

pub(crate) fn share_frame(number: u64) {
    with(number, |frame| frame.shares += 1);
}

pub(crate) fn shares(number: u64) -> u32 {
    with(number, |frame| frame.shares)
}

pub(crate) fn release_frame(number: u64) {
    let shares = with(number, |frame| {
        frame.shares -= 1;
        frame.shares
    });
    if shares == 0 {
        FRAMES.with_borrow_mut(|frames| frames.remove(&number));
    }
}

pub(crate) fn clear_frame(number: u64) {
    with(number, |frame| frame.bytes.fill(0));
}

pub(crate) fn copy_frame(from: u64, from_offset: usize, to: u64, to_offset: usize, length: usize) {
    let mut buffer = [0; FRAME_BYTES];
    read_frame(from, from_offset, &mut buffer[..length]);
    write_frame(to, to_offset, &buffer[..length]);
}

pub(crate) fn read_frame(number: u64, offset: usize, into: &mut [u8]) {
    with(number, |frame| into.copy_from_slice(&frame.bytes[offset..offset + into.len()]));
}

pub(crate) fn write_frame(number: u64, offset: usize, bytes: &[u8]) {
    with(number, |frame| frame.bytes[offset..offset + bytes.len()].copy_from_slice(bytes));
}

pub(crate) fn read_word(number: u64, index: usize) -> u64 {
    let mut word = [0; 8];
    read_frame(number, index * 8, &mut word);
    u64::from_le_bytes(word)
}

pub(crate) fn write_word(number: u64, index: usize, word: u64) {
    write_frame(number, index * 8, &word.to_le_bytes());
}

pub(crate) fn flush_page(_address: u64) {
    FLUSHES.set(FLUSHES.get() + 1);
}

pub(crate) fn flush_all() {
    FLUSHES.set(FLUSHES.get() + 1);
}

/// How often something was flushed.
#[must_use]
pub fn flushes() -> u64 {
    FLUSHES.get()
}

pub(crate) fn ticks() -> u64 {
    TICKS.replace(TICKS.get() + 1)
}

/// There is nothing to leave.
pub(crate) fn exits() -> (u64, u64) {
    (0, 0)
}

pub(crate) fn hertz() -> u64 {
    1_000_000_000
}

pub(crate) fn entropy() -> u64 {
    // Every run is the same.
    TICKS.get().wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

pub(crate) fn take_table() -> Option<u64> {
    take_frame().inspect(|&number| clear_frame(number))
}

/// Takes a table back in which there is nothing.
pub(crate) fn release_table(number: u64) {
    with(number, |frame| assert!(frame.bytes.iter().all(|&byte| byte == 0), "a table that is given back is empty"));
    release_frame(number);
}

pub(crate) fn take_root() -> Option<u64> {
    take_table()
}

pub(crate) fn release_root(number: u64) {
    release_table(number);
}

thread_local! {
    static ZEROS: Cell<u64> = const { Cell::new(0) };
}

pub(crate) fn zero_frame() -> Option<crate::memory::Frame> {
    if ZEROS.get() == 0 {
        let number = take_frame()?;
        clear_frame(number);
        ZEROS.set(number);
    }
    share_frame(ZEROS.get());
    Some(crate::memory::Frame::from_number(ZEROS.get()))
}

pub use exo_user::exceptions::ExceptionFrame as Registers;

/// Selectors of ring 3.
pub const USER_CODE: u64 = 0x23;
/// The same for data.
pub const USER_DATA: u64 = 0x1b;

/// Bytes of the state of the vector registers.
const VECTOR_STATE: usize = 576;

/// The registers of a thread.
#[derive(Debug)]
pub struct Context {
    registers: RefCell<Registers>,
    bases: Cell<[u64; 2]>,
    vector_state: RefCell<std::vec::Vec<u8>>,
}

impl Default for Context {
    fn default() -> Self {
        let registers = RefCell::new(Registers::in_ring_3(0, 0));
        Self { registers, bases: Cell::default(), vector_state: RefCell::new(std::vec![0; VECTOR_STATE]) }
    }
}

#[allow(missing_docs)] // as on the hardware
impl Context {
    pub fn number(&self) -> u64 {
        self.registers.borrow().rax
    }

    pub fn call(&self) -> (u64, [u64; 6]) {
        let r = self.registers.borrow();
        (r.rax, [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9])
    }

    pub fn set_result(&self, value: u64) {
        self.registers.borrow_mut().rax = value;
    }

    pub fn registers(&self) -> Registers {
        *self.registers.borrow()
    }

    pub fn set_registers(&self, registers: &Registers) {
        *self.registers.borrow_mut() = *registers;
    }

    pub fn duplicate(&self) -> Self {
        let vector_state = self.vector_state.clone();
        Self { registers: self.registers.clone(), bases: self.bases.clone(), vector_state }
    }

    pub fn fs_base(&self) -> u64 {
        self.bases.get()[0]
    }

    pub fn gs_base(&self) -> u64 {
        self.bases.get()[1]
    }

    pub fn set_fs_base(&self, base: u64) {
        self.bases.set([base, self.gs_base()]);
    }

    pub fn set_gs_base(&self, base: u64) {
        self.bases.set([self.fs_base(), base]);
    }

    pub fn write_vector_state(&self, memory: &mut impl UserMemory, at: u64) -> Result<()> {
        memory.write_bytes(at, &self.vector_state.borrow())
    }

    pub fn read_vector_state(&self, memory: &mut impl UserMemory, at: u64) -> Result<()> {
        memory.read_bytes(at, &mut self.vector_state.borrow_mut())
    }

    pub fn reset_vector_state(&self) {
        self.vector_state.borrow_mut().fill(0);
    }
}

pub(crate) fn activate(_thread: &std::rc::Rc<crate::process::Thread>, _root: u64) {}
pub(crate) fn save(_context: &Context) {}
pub(crate) fn restore(_context: &Context) {}

pub(crate) fn clear_vectors(context: &Context) {
    context.reset_vector_state();
}

pub(crate) fn vector_state_bytes() -> u64 {
    VECTOR_STATE as u64
}

pub(crate) fn load_bases(_context: &Context) {}

pub(crate) fn capabilities() -> u64 {
    0
}

pub(crate) fn signal_frame_bytes() -> u64 {
    2048
}
