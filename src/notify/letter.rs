//! Stub.
use crate::words::{Tongue, Words};
use chrono::{DateTime, Utc};
use std::path::Path;
use url::Url;
#[derive(Debug)] pub struct Letters;
#[derive(Debug)] pub struct House { pub product: String, pub support: Option<String>, pub accent: [u8;3], pub provider: String, pub place: Option<String>, pub keys_url: Option<Url> }
#[derive(Debug)] pub struct Letter { pub subject: String, pub text: String, pub html: String }
#[derive(Debug, thiserror::Error)] #[error("x")] pub struct LetterError;
#[derive(Debug)] pub enum Occasion { First, Reminder { number: u32, last: bool }, Resolved, Expiring { days: u32, on: DateTime<Utc> }, NewLink }
#[derive(Debug)] pub enum Matter { Rejected, Expired, Disconnected, PermissionLost(Vec<String>), WrongCompany, Compromised }
#[derive(Debug)] pub struct Facts<'a> { pub occasion: Occasion, pub matter: Option<Matter>, pub customer: &'a str, pub company_id: &'a str, pub since: Option<DateTime<Utc>>, pub zone: Option<&'a str>, pub masked: Option<&'a str>, pub standalone: bool, pub scopes: &'a [String], pub link: Option<&'a str>, pub link_until: Option<DateTime<Utc>>, pub reference: &'a str }
impl Letters { pub fn new(_: House, _: Option<&Path>, _: &Words) -> Result<Self, LetterError> { Ok(Self) }
 pub fn write(&self, f: &Facts<'_>, t: &Tongue) -> Result<Letter, LetterError> { Ok(Letter{ subject: format!("{:?} {}", f.occasion, f.customer), text: format!("{f:?} {t:?}\n{}", f.link.unwrap_or("-")), html: "<p>x</p>".into() }) } }
