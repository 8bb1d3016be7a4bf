//! Which part of a list is asked for: how many, and where it goes on. The same for every list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use utoipa::IntoParams;

use super::problem::{Kind, Problem};

/// On a page: at most, and where nobody says.
const MOST: u32 = 200;
const USUAL: u32 = 50;

/// How many, and where to go on.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what Part reads")]
pub struct PartParameters {
    /// How many on a page: 1 to 200, 50 where it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Where the list goes on: `next_cursor` of the page before, as it is.
    cursor: Option<String>,
}

/// What a list is of. A cursor of one list is none of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Tenants, by reference.
    Tenants,
    /// What is owed, by reference.
    Handovers,
    /// Rows of the audit chain, by number.
    Audit,
}

impl Of {
    /// What a cursor of this list begins with.
    fn form(self) -> &'static str {
        match self {
            Self::Tenants => "1 ",
            Self::Handovers => "handovers 1 ",
            Self::Audit => "audit 1 ",
        }
    }

    /// The cursor behind this place.
    pub fn cursor(self, place: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}{place}", self.form()))
    }

    /// The place that a cursor stands behind, where it could be one.
    pub fn place<T>(self, cursor: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let place = text.as_deref().and_then(|text| text.strip_prefix(self.form()));
        place.and_then(read).ok_or_else(|| {
            Kind::BadCursor.because("give `next_cursor` of the page before as it is")
        })
    }
}

/// How many are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub u32);

impl Default for Limit {
    fn default() -> Self {
        Self(USUAL)
    }
}

impl Limit {
    /// Reads the parameter `limit`.
    pub fn parse(value: &str) -> Result<Self, Problem> {
        match value.parse() {
            Ok(limit @ 1..=MOST) => Ok(Self(limit)),
            Ok(_) | Err(_) => {
                Err(Kind::BadQuery.because("`limit` must be a whole number from 1 to 200"))
            }
        }
    }
}

/// The parameters of a query, each of them known and, but for one, given once.
pub fn parameters(
    query: &str,
    known: &[&str],
    many: Option<&str>,
    mut take: impl FnMut(&str, &str) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut seen = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if !known.contains(&&*name) {
            let known = known.join(", ");
            return Err(
                Kind::BadQuery.because(format!("a parameter is not known here: there are {known}"))
            );
        }
        if seen.contains(&name) && many != Some(&*name) {
            return Err(Kind::BadQuery.because("a parameter is given twice"));
        }
        take(&name, &value)?;
        seen.push(name);
    }
    Ok(())
}
