//! The customers' pages, as customers meet them: the program itself in a real browser.

pub mod browser;
pub mod place;
pub mod plain;

mod guarding;
mod inviting;
mod looking;
pub mod mail;
mod reconnecting;
mod secrecy;
mod trouble;
