//! What happens as a process uses processor time: timers that go by it, and RLIMIT_CPU (getrlimit(2)).

use crate::clock::SECOND;
use crate::process::{Process, Resource};
use crate::signal::{Information, Signal};
use crate::unix::Unix;
use alloc::rc::Rc;

impl Unix {
    /// A process has used processor time: to be called whenever a slice ends.
    pub fn count_processor_time(&self, process: &Rc<Process>) {
        let now = self.time_of(process);
        process.interval_timers.pass(self, now);
        process.timers.pass(self, now);
        let limits = process.limits.get();
        let (seconds, soft) = (now / SECOND, limits.soft(Resource::Cpu));
        if seconds >= limits.hard(Resource::Cpu) {
            self.send(process, Information::kernel(Signal::KILL));
        } else if seconds >= soft && seconds >= process.told_limit.get() {
            // Once a second, until it listens.
            process.told_limit.set(seconds + 1);
            self.send(process, Information::kernel(Signal::CPU_LIMIT));
        }
    }
}
