//! What is served over HTTP. Two listeners, kept apart: [`private`] for operators, [`public`] for the
//! pages on which customers give keys.

pub mod api;
pub mod console;
pub mod listener;
pub mod overview;
pub mod private;
pub mod public;
pub mod tls;
