//! Where keys come from and go to. Today keypulse is the keeper of all keys; what lies here is how
//! they leave. It knows neither the store nor the vault: it is handed keys, and writes them to
//! whatever seals them.

pub mod inquiry;
mod leaving;
pub mod list;

pub use inquiry::{BadInquiry, Inquiry, NotTold, Told};
pub use leaving::Line;
pub use list::{BadLine, ListReader, ListedLine};
