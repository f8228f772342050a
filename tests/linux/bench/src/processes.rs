//! The kernel's null call, and what takes another process.

use crate::files::Handle;
use crate::{Error, Meter, checked, row};
use measure::{Plan, returning};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering};

/// `null-call` and `unix-null`: getpid, by the instruction itself.
pub fn null_call(meter: &mut Meter, id: &'static str) -> Result<(), Error> {
    const GET_PID: u64 = 39;
    let own = u64::from(std::process::id());
    let call = |nonce| {
        let answer: u64;
        // SAFETY: this system call touches no memory; it changes rax, rcx and r11.
        unsafe {
            std::arch::asm!("syscall", inlateout("rax") GET_PID => answer, out("rcx") _, out("r11") _, options(nostack));
        }
        nonce ^ own ^ answer
    };
    row(meter.row(id, &Plan::default().with_rings(1), &mut returning(|_| (), call)))
}

/// Starts a process that does `work` and ends.
fn start(work: impl FnOnce()) -> Result<i32, Error> {
    // SAFETY: the program has one thread.
    let child = unsafe { libc::fork() };
    if child == 0 {
        work();
        // SAFETY: ends this process at once; nothing is buffered.
        unsafe { libc::_exit(0) };
    }
    checked(child, "fork")?;
    Ok(child)
}

/// The status with which a child ended.
fn wait_for(child: i32) -> Option<u64> {
    let mut status = 0;
    // SAFETY: there is room for the status.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    (waited == child && libc::WIFEXITED(status)).then(|| u64::from(libc::WEXITSTATUS(status).unsigned_abs()))
}

/// Words to another process, and their answers.
struct Server {
    process: i32,
    request: Handle,
    replies: Handle,
}

impl Server {
    fn start() -> Result<Server, Error> {
        let (requests, request) = Handle::pipe()?;
        let (replies, reply) = Handle::pipe()?;
        let process = start(|| {
            request.close();
            while let Some(word) = requests.receive() {
                reply.write(&(!word).to_ne_bytes());
            }
        })?;
        requests.close();
        reply.close();
        Ok(Server { process, request, replies })
    }

    #[inline(always)]
    fn call(&self, nonce: u64) -> u64 {
        self.request.write(&nonce.to_ne_bytes());
        self.replies.receive().map_or(0, |word| !word)
    }

    fn end(self) -> Result<(), Error> {
        self.request.close();
        wait_for(self.process).ok_or("the server did not end well")?;
        self.replies.close();
        Ok(())
    }
}

/// `pct` and `unix-pipe`: a word to another process and its answer back, through two pipes.
pub fn round_trip(meter: &mut Meter, id: &'static str) -> Result<(), Error> {
    let server = Server::start()?;
    let plan = Plan::default().with_rings(4);
    row(meter.row(id, &plan, &mut returning(|_| (), |nonce| server.call(nonce))))?;
    server.end()
}

/// The positive control of loads of CR3: to another process and back are two.
pub fn switches(meter: &mut Meter) -> Result<(), Error> {
    let server = Server::start()?;
    // It waits for words from now on.
    server.call(0);
    meter.control("cr3", 1_000, |counts| counts.cr3.unwrap_or(0) / 2, || _ = server.call(1));
    server.end()
}

/// `slice-switch`: gives the CPU away until the other has had it; to it and back is two.
pub fn switch(meter: &mut Meter) -> Result<(), Error> {
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping, of which only two atomic words are used, in both processes.
    let page = unsafe { libc::mmap(null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error().into());
    }
    // SAFETY: the page is zeroed, mapped for good, and only used as atomics.
    let [asked, answered] = unsafe { &*page.cast::<[AtomicU64; 2]>() };
    let give_away = || {
        // SAFETY: no memory is involved.
        unsafe { libc::sched_yield() };
    };
    const END: u64 = u64::MAX;
    let partner = start(|| {
        while asked.load(Ordering::Relaxed) != END {
            answered.store(asked.load(Ordering::Relaxed), Ordering::Relaxed);
            give_away();
        }
    })?;
    let there_and_back = |nonce| {
        asked.store(nonce, Ordering::Relaxed);
        while answered.load(Ordering::Relaxed) != nonce {
            give_away();
        }
        answered.load(Ordering::Relaxed)
    };
    let result = row(meter.row("slice-switch", &Plan::of(2), &mut returning(|_| (), there_and_back)));
    asked.store(END, Ordering::Relaxed);
    wait_for(partner).ok_or("the partner did not end well")?;
    result
}

/// `unix-fork`: fork, the child's exit, and waiting for it.
pub fn fork(meter: &mut Meter) -> Result<(), Error> {
    let run = |nonce: u64| {
        // SAFETY: the program has one thread.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends this process at once; nothing is buffered.
            unsafe { libc::_exit((nonce >> 56) as i32) };
        }
        match wait_for(child) {
            Some(status) if status == nonce >> 56 => nonce,
            _ => !nonce,
        }
    };
    let plan = Plan { warm_up: 20, ..Plan::default() };
    row(meter.row("unix-fork", &plan, &mut returning(|_| (), run)))
}
