//! What a thread that ends leaves locked: the list that set_robust_list(2) names.

use crate::errno::Result;
use crate::memory::UserMemory;
use crate::process::Thread;
use crate::unix::Unix;
use alloc::rc::Rc;

const WAITERS: u32 = 1 << 31;
const OWNER_DIED: u32 = 1 << 30;
const OWNER: u32 = OWNER_DIED - 1;
/// Locks that a list may hold (Linux: ROBUST_LIST_LIMIT).
const MOST: usize = 2048;

/// Marks the locks of a thread that ends as without an owner, and wakes one who waits for each.
pub fn leave_robust_list(unix: &Unix, thread: &Rc<Thread>) {
    let head = thread.robust_list.take();
    if head != 0 {
        // A list that cannot be read is the program's loss.
        let _ = leave(unix, thread, head);
    }
}

fn leave(unix: &Unix, thread: &Rc<Thread>, head: u64) -> Result<()> {
    let space = thread.space();
    let word = |address: u64| -> Result<u64> {
        let mut bytes = [0; 8];
        space.borrow_mut().read_bytes(address, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    };
    let offset = word(head.wrapping_add(8))?;
    let pending = word(head.wrapping_add(16))?;
    let mut entry = word(head)?;
    for _ in 0..MOST {
        // The lowest bit says that priorities are inherited.
        if entry & !1 == head {
            break;
        }
        let next = word(entry & !1);
        if entry & !1 != pending & !1 {
            release(unix, thread, (entry & !1).wrapping_add(offset))?;
        }
        entry = next?;
    }
    if pending & !1 != 0 {
        release(unix, thread, (pending & !1).wrapping_add(offset))?;
    }
    Ok(())
}

fn release(unix: &Unix, thread: &Rc<Thread>, address: u64) -> Result<()> {
    let space = thread.space();
    let (key, word) = unix.futexes.look(&space, address, false)?;
    if word & OWNER != thread.id() {
        return Ok(());
    }
    let left = word & WAITERS | OWNER_DIED;
    space.borrow_mut().write_bytes(address, &left.to_le_bytes())?;
    if word & WAITERS != 0 {
        unix.futexes.wake(key, 1, u32::MAX);
    }
    Ok(())
}
