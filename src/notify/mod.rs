//! Carries messages out, and says what became of a try. It knows no store, no vault and no clock: it
//! is handed what is to be said, signed, and where to.

pub mod alert;
pub mod alertmanager;
pub mod event;
pub mod fate;
pub mod hook;
pub mod letter;
pub mod mail;
pub mod webhook;

pub use alert::{Alert, Subject, Told};
pub use alertmanager::Member;
pub use fate::{Answer, Fate, fate};
pub use hook::Hook;
pub use letter::{Letter, Letters};
pub use mail::{MailFate, Mailer, Outcome, Parcel, mail_fate};
pub use webhook::Endpoint;
