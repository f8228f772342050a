//! Signals: who has sent what, who wants what done about it.

mod action;
mod deliver;
mod frame;
mod information;
mod number;
mod pending;

pub use action::{Action, ActionFlags, Actions, Disposition};
pub use deliver::{deliver, enter_handler};
pub use frame::{DISABLED, DISARMS, ON_STACK, StackDescription, pop_frame, push_frame};
pub use information::{Information, code};
pub use number::{DefaultAction, Signal, SignalSet};
pub use pending::Pending;
