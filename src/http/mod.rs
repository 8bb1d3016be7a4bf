//! What is served over HTTP. Two listeners, kept apart: [`private`] for operators; the customers'
//! pages come on one of their own.

pub mod api;
pub mod listener;
pub mod private;
pub mod tls;
