mod choice;
pub(crate) mod fake;
mod supply;
mod window;
