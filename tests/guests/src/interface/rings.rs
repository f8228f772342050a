//! A message ring between two environments: no exit while both sides run, and sleep where one has nothing to do.

use crate::exits;
use crate::hostile::Verdict;
use crate::kit::child::{self, Child};
use crate::kit::{OWN, ask, same, thread, until, works};
use alloc::format;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights;
use exo_user::ring::{Receiver, Sender, words};
use exo_user::{events, frames, info};

const CHILD: u8 = 9;
/// The child's slot over this environment, to notify it.
const PARENT: u8 = 2;
const BYTES: usize = 48;
const MESSAGES: u64 = 2_000;

/// Physical address of the ring's memory, the parent's name, and what the child has received.
static AT: AtomicU64 = AtomicU64::new(0);
static PARENT_NAME: AtomicU64 = AtomicU64::new(0);
static RECEIVED: AtomicU64 = AtomicU64::new(0);
static WRONG: AtomicU64 = AtomicU64::new(0);

fn message(number: u64) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (index, word) in bytes.chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&number.wrapping_mul(index as u64 + 3).to_le_bytes());
    }
    bytes
}

/// Receives for ever: in the second half it sleeps where there is nothing.
extern "C" fn receive(page: u64, _: u64) -> ! {
    let notify = || _ = ask(Call::Notify, (PARENT, 0), &[PARENT_NAME.load(Ordering::SeqCst), 0]);
    let pending = frames::window(page).cast::<AtomicU64>();
    // SAFETY: the first word of the event page is atomic on both sides.
    let pending = unsafe { &*pending };
    let sleep = || {
        if pending.swap(0, Ordering::SeqCst) & events::NOTIFICATION == 0 {
            ask(Call::Block, (0, 0), &[0]);
        }
    };
    // SAFETY: the frame stays bound; both sides use its words as atomic.
    let Some(mut ring) = Receiver::new(unsafe { words(AT.load(Ordering::SeqCst), 1) }, BYTES) else {
        thread::rest(page)
    };
    loop {
        let number = RECEIVED.load(Ordering::SeqCst);
        if number >= MESSAGES {
            WRONG.fetch_add(u64::from(ring.wait(sleep).is_err()), Ordering::SeqCst);
        }
        let mut bytes = [0; BYTES];
        match ring.receive(&mut bytes, notify) {
            Ok(None) => core::hint::spin_loop(),
            Ok(Some(length)) => {
                let wrong = length != BYTES || bytes != message(number);
                WRONG.fetch_add(wrong.into(), Ordering::SeqCst);
                RECEIVED.fetch_add(1, Ordering::SeqCst);
            }
            Err(_) => _ = WRONG.fetch_add(1 << 32, Ordering::SeqCst),
        }
    }
}

/// A child receives what this environment sends.
pub fn ring(boot: &'static BootPage) -> Verdict {
    let frame = frames::allocate().ok_or("no frame for the ring")?.leak();
    AT.store(frame, Ordering::SeqCst);
    PARENT_NAME.store(info::own_id().argument(), Ordering::SeqCst);
    // SAFETY: the frame is this environment's for ever, and only the ring uses it.
    let memory = unsafe { words(frame, 1) };
    memory.iter().for_each(|word| word.store(0, Ordering::SeqCst));
    let mut ring = Sender::new(memory, BYTES).ok_or("the frame is too small")?;
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    works(Call::CapabilityGrant, (OWN, CHILD), &[child.id.argument(), PARENT.into(), rights::NOTIFY])?;
    let other = thread::other_cpu(boot.cpu);
    child.vcpu(other, receive, 0)?;
    child.start()?;
    let notify = || _ = ask(Call::Notify, (CHILD, 0), &[child.id.argument(), 0]);
    // Both run, where there are two CPUs: nobody enters the kernel.
    let ((), exits) = exits::during(|| {
        for number in 0..MESSAGES {
            while ring.send(&message(number), notify).is_err() {
                if other == boot.cpu {
                    ask(Call::Yield, (0, 0), &[]);
                }
                core::hint::spin_loop();
            }
        }
    });
    if other != boot.cpu {
        same("exits while both run", exits.caused(), 0)?;
    }
    until("the child has received them", || RECEIVED.load(Ordering::SeqCst) == MESSAGES)?;
    // One after the other: now the child sleeps in between, and so does this environment where the ring is full.
    for number in MESSAGES..MESSAGES + 200 {
        ring.wait(|| _ = events::wait(0, || ring_has_room(memory))).map_err(|broken| format!("{broken}"))?;
        ring.send(&message(number), notify).map_err(|error| format!("{error}"))?;
        if number % 8 == 0 {
            until("the child has received it", || RECEIVED.load(Ordering::SeqCst) == number + 1)?;
        }
    }
    until("the child has received all", || RECEIVED.load(Ordering::SeqCst) == MESSAGES + 200)?;
    same("room in the empty ring", ring.room(), Ok(64))?;
    same("wrong messages", WRONG.load(Ordering::SeqCst), 0)
}

/// The receiver has cleared the sender's flag: see `exo_user::ring`.
fn ring_has_room(memory: &[AtomicU64]) -> bool {
    memory[8].load(Ordering::SeqCst) == 0
}
