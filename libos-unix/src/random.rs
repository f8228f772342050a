//! Random bytes: ChaCha20 in fast-key-erasure mode, keyed by what the machine has of randomness.

use crate::errno::Result;
use crate::io::Destination;
use crate::machine;
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use spin::Mutex;

/// The key of the next request; `None` before the first.
static KEY: Mutex<Option<[u8; 32]>> = Mutex::new(None);

/// Fills a destination with random bytes; how many.
///
/// # Errors
/// EFAULT.
pub fn fill(to: &mut dyn Destination) -> Result<usize> {
    let mut cipher = cipher();
    let mut done = 0;
    while to.remaining() != 0 {
        let mut block = [0; 256];
        let part = to.remaining().min(block.len());
        cipher.apply_keystream(&mut block[..part]);
        let count = to.put(&block[..part])?;
        done += count;
        if count < part {
            break;
        }
    }
    Ok(done)
}

/// A stream that nobody has seen anything of. Its first bytes are the next key, so that nobody can go back.
fn cipher() -> ChaCha20 {
    let mut place = KEY.lock();
    let mut key = place.unwrap_or_else(seed);
    let fresh = machine::entropy().to_le_bytes();
    key.iter_mut().zip(fresh).for_each(|(byte, fresh)| *byte ^= fresh);
    let mut cipher = ChaCha20::new(&key.into(), &[0; 12].into());
    let mut next = [0; 32];
    cipher.apply_keystream(&mut next);
    *place = Some(next);
    cipher
}

fn seed() -> [u8; 32] {
    let mut key = [0; 32];
    for word in key.chunks_exact_mut(8) {
        word.copy_from_slice(&machine::entropy().to_le_bytes());
    }
    key
}
