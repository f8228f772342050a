//! Making every CPU forget translations before a frame gets another use.
//!
//! EPT translations are used only in the guest space that they are of, so a CPU in root mode, or in another space, has
//! nothing to forget until it enters again. Each CPU publishes *root* or *in this space, with everything up to this epoch
//! forgotten*. Whoever has taken something away raises the epoch, kicks the CPUs that are in one of the spaces that lost
//! something, with an older epoch, and waits for those only. Every CPU compares epochs before it enters, and flushes itself: what
//! it still has cached of a space that it is not in is gone before it could be used.
//!
//! Why [`Flushed`] still proves what it says, which is that no CPU uses what was taken out of *these* spaces before:
//! 1. A CPU that is in one of them with an older epoch is waited for. When it has left, it uses no guest's translation.
//! 2. A CPU that is in another space, or in root mode, uses no translation of these: what the CPU has cached of a space is tagged with
//!    that space's EPT root (SDM 30.4.1), and is used under that root only.
//! 3. Whoever enters one of them later sees the new epoch, as `enter` shows, and drops *all* guest translations first, because it
//!    compares with the epoch of its own last flush, in whichever space that was.
//! 4. A root's frame is itself quarantined under its space's number, so no other space gets the same tag before that flush.
//!
//! The proof names the spaces, and a quarantine opens for one only that names all spaces that the quarantine is of.
//!
//! Nothing here flushes, kicks or enters: it only decides who must, so it is tested on the host, and by `loom` in every order that the
//! memory model allows.

mod space;
mod waiting;

pub use space::{MAX_SPACES, SpaceNumber};
pub use waiting::Waiting;

use crate::paging::{Flushed, covered_now};
use core::mem::offset_of;

use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;

// Where the assembly that transfers control finds the words of `CpuState`, and the epoch in `SHOOTDOWN`.
pub(crate) const PUBLISHED_OFFSET: usize = offset_of!(CpuState, published);
pub(crate) const ATTENTION_OFFSET: usize = offset_of!(CpuState, attention);
pub(crate) const EPOCH_OFFSET: usize = offset_of!(Shootdown, epoch);

/// What a CPU publishes in a guest of this space, without the epoch.
pub(crate) fn in_guest_of(space: SpaceNumber) -> u64 {
    GUEST | u64::from(space.number()) << SPACE_SHIFT
}

/// Most CPUs that one word of a waiting set can name.
pub const MAX_CPUS: usize = 64;

/// What a CPU publishes: 0 in root mode, else the epoch that it entered its guest with, which space that is, and the guest flag.
///
/// A cache line each: a CPU writes its own at every exit and entry.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct CpuState {
    published: AtomicU64,
    /// Up to which epoch this CPU has flushed. Only its own CPU reads and writes it.
    flushed: AtomicU64,
    /// Somebody wants this CPU to look at the state before it enters a guest.
    attention: AtomicBool,
}

const ROOT: u64 = 0;
const GUEST: u64 = 1 << 63;
/// Where the space is: six bits.
const SPACE_SHIFT: u32 = 57;
const EPOCH: u64 = (1 << SPACE_SHIFT) - 1;
/// All guest spaces.
pub const ALL_SPACES: u64 = u64::MAX;
/// No epoch is as large: a CPU that has never flushed does so before it first enters.
const NEVER: u64 = u64::MAX;

impl CpuState {
    crate::sync::const_fn! {
        fn new() -> Self {
            Self { published: AtomicU64::new(ROOT), flushed: AtomicU64::new(NEVER), attention: AtomicBool::new(false) }
        }
    }

    /// Whether this CPU is in one of these spaces and has entered it before `epoch`.
    fn is_behind(&self, epoch: u64, spaces: u64) -> bool {
        // Acquire: once the CPU is seen to have left its guest, all that the guest did to memory through the old translation
        // comes before whatever the frame is used for next.
        let published = self.published.load(Ordering::Acquire);
        let space = (published & !GUEST) >> SPACE_SHIFT;
        published & GUEST != 0 && spaces >> space & 1 != 0 && published & EPOCH < epoch
    }
}

/// The epoch and what each of `N` CPUs publishes.
#[derive(Debug)]
pub struct Shootdown<const N: usize = MAX_CPUS> {
    epoch: AtomicU64,
    /// One more than the highest CPU that has ever entered a guest.
    seen: AtomicUsize,
    cpus: [CpuState; N],
}

/// The one shootdown of this machine. There is no other, so that its proofs are about the machine's CPUs.
#[cfg(not(all(test, loom)))]
pub static SHOOTDOWN: Shootdown = Shootdown::new();
/// `loom` makes none before a test runs; the assembly, which no test runs, is given this in its place.
#[cfg(all(test, loom))]
pub(crate) static SHOOTDOWN: [u64; 512] = [0; 512];

/// What a CPU publishes, for the assembly that enters its guests.
pub(crate) fn published_by(cpu: usize) -> &'static CpuState {
    #[cfg(not(all(test, loom)))]
    return &SHOOTDOWN.cpus[cpu];
    #[cfg(all(test, loom))]
    unreachable!("{cpu}: no guest runs under loom");
}

impl<const N: usize> Shootdown<N> {
    crate::sync::const_fn! {
        /// All CPUs in root mode, none of which has ever flushed.
        pub(crate) fn new() -> Self {
            const { assert!(N <= MAX_CPUS, "a waiting set has one bit for each CPU") };
            let cpus = crate::sync::array!(CpuState::new(); N);
            Self { epoch: AtomicU64::new(0), seen: AtomicUsize::new(0), cpus }
        }
    }

    /// Publishes that this CPU enters a guest of this space; `true` where it must flush all its translations first. From here to the
    /// entry nothing may be read through a guest's translation.
    ///
    /// Interrupts must be off from here to the entry, so that a kick stays pending and exits right after it.
    ///
    /// # Panics
    /// Where `cpu` is not below `N`: a kernel bug.
    #[must_use = "a CPU that must flush and does not still reaches frames that others now use"]
    pub fn enter(&self, cpu: usize, space: SpaceNumber) -> bool {
        let own = &self.cpus[cpu];
        if own.flushed.load(Ordering::Relaxed) == NEVER {
            // Before the fence below: an initiator that misses this has raised the epoch before we load it, and we flush.
            self.seen.fetch_max(cpu + 1, Ordering::Relaxed);
        }
        let guest = in_guest_of(space);
        // This is Dekker's pattern: we store `published` and then load `epoch`; an initiator stores `epoch` and then loads
        // `published`. Each has a SeqCst fence in between: anything weaker lets both miss the other's store (x86 itself reorders a
        // store with a later load). So either we see the new epoch here and publish that, or the initiator sees us in the
        // guest with the old one, kicks us and waits.
        let mut epoch = self.epoch.load(Ordering::Acquire);
        loop {
            // Release: whoever sees us in a guest again, with a new epoch, takes it that we have left the old one.
            own.published.store(guest | epoch, Ordering::Release);
            fence(Ordering::SeqCst);
            let now = self.epoch.load(Ordering::Acquire);
            if now == epoch {
                break;
            }
            epoch = now;
        }
        // The load that saw this epoch acquires the table changes made before it was raised, and the flush that follows
        // comes after that load: no stale translation is cached again from the old tables.
        own.flushed.swap(epoch, Ordering::Relaxed) != epoch // ordered by nothing: only this CPU uses it
    }

    /// Publishes that this CPU goes from a guest of one space to one of another, in one step; `false` where it would have to flush first,
    /// and must leave instead. This is what the assembly in `vmx::transfer` does, for the tests to try in every order.
    #[cfg(all(test, loom))]
    fn transfer(&self, cpu: usize, from: SpaceNumber, to: SpaceNumber) -> bool {
        let own = &self.cpus[cpu];
        let old = own.published.load(Ordering::Relaxed);
        // An exchange: as a fence, and a store that releases all that the old guest did.
        own.published.swap(old ^ in_guest_of(from) ^ in_guest_of(to), Ordering::AcqRel);
        fence(Ordering::SeqCst);
        self.epoch.load(Ordering::Acquire) == old & EPOCH
    }

    /// Publishes that this CPU has left its guest.
    ///
    /// # Panics
    /// Where `cpu` is not below `N`: a kernel bug.
    pub fn leave(&self, cpu: usize) {
        // Release: all that the guest did comes before whoever sees this reuses a frame.
        self.cpus[cpu].published.store(ROOT, Ordering::Release);
    }

    /// Has every CPU forget what was taken out of these spaces before this call. `kick` makes one CPU exit; it may be called for a CPU
    /// that has just left its guest. The caller is in root mode.
    ///
    /// # Panics
    /// Where `me` is not below `N`: a kernel bug.
    pub fn flush<R>(&self, me: usize, spaces: u64, kick: impl FnMut(usize) -> R) -> Flushed {
        self.flush_while(me, spaces, kick, core::hint::spin_loop)
    }

    /// [`flush`](Self::flush) with something to do while waiting: serving requests to stop, for a start.
    ///
    /// # Panics
    /// Where `me` is not below `N`, or is in a guest according to itself, so that it would wait for itself.
    pub fn flush_while<R>(
        &self,
        me: usize,
        spaces: u64,
        kick: impl FnMut(usize) -> R,
        mut wait: impl FnMut(),
    ) -> Flushed {
        let mut waiting = self.begin(me, spaces, kick);
        loop {
            match waiting.check(self) {
                Ok(proof) => return proof,
                Err(still) => waiting = still,
            }
            wait();
        }
    }

    /// The first half of [`flush`](Self::flush): raises the epoch and kicks.
    ///
    /// # Panics
    /// Where `me` is not below `N`, or is in a guest according to itself.
    pub fn begin<R>(&self, me: usize, spaces: u64, mut kick: impl FnMut(usize) -> R) -> Waiting {
        assert!(!self.cpus[me].is_behind(u64::MAX, ALL_SPACES), "a CPU in a guest cannot flush others");
        // Before the epoch: what is covered was taken away before, so it is visible to whoever sees the new epoch.
        let covers = covered_now();
        // Release: the changes to the tables are there for whoever sees the new epoch. Acquire: another initiator's, raised before,
        // come with it. The fence: see `enter`.
        let epoch = self.epoch.fetch_add(1, Ordering::AcqRel) + 1;
        fence(Ordering::SeqCst);
        let mut cpus = 0;
        let seen = self.seen.load(Ordering::Relaxed).min(N);
        for (cpu, state) in self.cpus[..seen].iter().enumerate() {
            if state.is_behind(epoch, spaces) {
                cpus |= 1 << cpu;
                kick(cpu);
            }
        }
        Waiting { epoch, spaces, cpus, covers }
    }

    /// Whether this CPU is to look at the state before it enters a guest: set by whoever has changed the state, and then either kicks the
    /// CPU or looks at what it publishes; read by the CPU after it has published itself (`SeqCst`), so that one sees the other.
    ///
    /// # Panics
    /// Where `cpu` is not below `N`: a kernel bug.
    pub fn attention(&self, cpu: usize) -> &AtomicBool {
        &self.cpus[cpu].attention
    }

    /// Whether this CPU is in a guest of another space. Whoever finds it so after storing what the CPU reads after `enter` and between
    /// guests need not make it exit: it reads that before it enters this space.
    ///
    /// # Panics
    /// Where `cpu` is not below `N`: a kernel bug.
    #[must_use]
    pub fn is_elsewhere(&self, cpu: usize, space: SpaceNumber) -> bool {
        // See `enter`, which has the other half of Dekker's pattern.
        fence(Ordering::SeqCst);
        let published = self.cpus[cpu].published.load(Ordering::Acquire);
        published & GUEST != 0 && (published & !GUEST) >> SPACE_SHIFT != u64::from(space.number())
    }

    /// The epoch: how many shootdowns there have been.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        // Relaxed: a counter for reports.
        self.epoch.load(Ordering::Relaxed)
    }
}
