//! Files that only say that something has happened: eventfd(2), timerfd_create(2), signalfd(2), and epoll(7), which watches others.

mod count;
mod signals;
mod timer;
mod watch;

pub use count::EventCount;
pub use signals::SignalFile;
pub use timer::TimerFile;
pub use watch::{Epoll, Interest, WatchFlags};
