//! Files that only say that something has happened: eventfd(2), and epoll(7), which watches others.

mod count;
mod watch;

pub use count::EventCount;
pub use watch::{Epoll, Interest, WatchFlags};
