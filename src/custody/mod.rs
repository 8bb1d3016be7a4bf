//! Where keys come from and go to: the places of the integration in which they lie, and the way out
//! of an installation that keeps them itself. It knows neither the store nor the vault: it is handed
//! keys, and gives them to whoever seals them.

#[cfg(feature = "aws")]
mod aws;
mod env;
mod error;
#[cfg(feature = "aws")]
mod field;
mod file;
pub mod inquiry;
mod key_ref;
mod leaving;
pub mod list;
mod places;

pub use error::{BadKeyRef, PlaceError};
pub use inquiry::{BadInquiry, Inquiry, NotTold, Told};
pub use key_ref::KeyRef;
pub use leaving::Line;
pub use list::{BadLine, ListReader, ListedLine};
pub use places::{Lying, Places};
