//! What the vault must never do, tried from outside its parts.

mod age;
mod frozen;
mod master;
mod rows;
mod sealing;
mod silence;

use chrono::{DateTime, Utc};

use crate::ids::TenantId;
use crate::redact::ApiKey;
use crate::vault::Keyring;
use crate::vault::MasterKey;
use crate::vault::Purpose;
use crate::vault::SealContext;
use crate::vault::WrappedKey;

const SECRET: &str = "pls_0123456789_abcdef";

fn secret() -> ApiKey {
    ApiKey::new(SECRET.to_owned())
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_168_800, 123_456_789).unwrap()
}

fn new_keyring() -> (MasterKey, Keyring, Vec<WrappedKey>) {
    let master = MasterKey::generate().unwrap();
    let (keyring, rows) = Keyring::create(&master, now()).unwrap();
    (master, keyring, rows)
}

fn context() -> SealContext<'static> {
    SealContext {
        provider: "pleo",
        tenant: TenantId::from_raw(483),
        generation: 7,
        purpose: Purpose::LiveKey,
    }
}
