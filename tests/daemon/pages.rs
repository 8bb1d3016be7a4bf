//! The customers' pages, as customers meet them: the program itself in a real browser.

mod browser;
mod place;

mod inviting;
mod reconnecting;
mod trouble;
