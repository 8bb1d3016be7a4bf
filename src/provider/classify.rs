//! What one answer means: for each call a pure function of the answer and what was expected.
//!
//! The status decides first. A 200 counts only in the documented shape; everything else is the
//! provider's trouble or our own, never the customer's. The table of all cases is committed in
//! `snapshots/`.

use chrono::TimeDelta;
use serde_json::Value;

use crate::health::CompanyId;
use crate::health::Failure;
use crate::health::Finding;
use crate::health::Inconclusive;
use crate::health::Permission;
use crate::health::Scopes;
use crate::redact::printable;

use super::profile::{Company, Identity, Installation, PermissionCall};

/// Longest text taken over from an answer, in bytes.
const MAX_TEXT: usize = 256;

/// What came of a call.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The provider answered.
    Answered(Answer),
    /// No complete answer, and why.
    Lost(Inconclusive),
}

/// An answer, reduced to what may be judged.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The pause asked for, in a form that could be read, capped.
    pub retry_after: Option<TimeDelta>,
    /// The body.
    pub body: Body,
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub enum Body {
    /// JSON within the cap.
    Json(Value),
    /// Anything else: empty, HTML, compressed, cut off, too long.
    Other,
}

/// What is expected of a tenant's key.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The company that the tenant is bound to; none while that is what is asked for.
    pub company: Option<&'a CompanyId>,
    /// The client that the key was accepted for, once it was.
    pub client: Option<&'a str>,
    /// The scopes that this tenant's key was accepted with.
    pub required: &'a Scopes,
}

/// What the identity call told of a key of the expected company and client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The client that the key was made for.
    pub client: Option<String>,
    /// Whom the key belongs to.
    pub subject: Subject,
    /// What it may do; `None` where the provider does not say.
    pub scopes: Option<Scopes>,
}

/// Whom a key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One company.
    Company(CompanyId),
    /// An organisation, which may reach several companies.
    Organisation,
}

/// The identity call: a finding against the key or about nothing, or what was seen of it. Whether it
/// may do enough, [`scopes`] says.
pub fn identity(call: &Identity, expected: &Expected<'_>, reply: &Reply) -> Result<Seen, Finding> {
    let answer = answered(reply)?;
    match answer.status {
        200 => {}
        401 => return Err(Finding::Failed(Failure::Rejected)),
        403 if !call.needs.is_empty() => return Err(lacks(&call.needs)),
        404 => return Err(Finding::Inconclusive(Inconclusive::UnknownResource)),
        _ => return Err(Finding::Inconclusive(trouble(answer))),
    }
    let nonsense = || Finding::Inconclusive(Inconclusive::Nonsense);
    let Body::Json(body) = &answer.body else {
        return Err(nonsense());
    };
    if let Some(pointer) = &call.method {
        let method = text(body, pointer).ok_or_else(nonsense)?;
        if call.anonymous_methods.iter().any(|name| name == method) {
            return Err(Finding::Failed(Failure::Rejected));
        }
        if !call.api_key_methods.iter().any(|name| name == method) {
            return Err(Finding::Inconclusive(Inconclusive::OtherMethod));
        }
    }
    let scopes = match &call.scopes {
        Some(pointer) => Some(scope_set(body, pointer).ok_or_else(nonsense)?),
        None => None,
    };
    let client = match &call.client {
        Some(pointer) => Some(text(body, pointer).ok_or_else(nonsense)?.to_owned()),
        None => None,
    };
    let subject = text(body, &call.subject)
        .and_then(|subject| parse_subject(call, subject))
        .ok_or_else(nonsense)?;
    if let (Subject::Company(found), Some(company)) = (&subject, expected.company)
        && found != company
    {
        return Err(Finding::Failed(Failure::WrongCompany(found.clone())));
    }
    if expected.client.is_some() && client.as_deref() != expected.client {
        return Err(Finding::Inconclusive(Inconclusive::OtherClient));
    }
    Ok(Seen { client, subject, scopes })
}

/// Whether a key that was seen may do all that is required of it, as far as the provider says.
pub fn scopes(expected: &Expected<'_>, seen: &Seen) -> Result<(), Finding> {
    let Some(granted) = &seen.scopes else { return Ok(()) };
    let missing = expected.required.missing_from(granted);
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Finding::Failed(Failure::PermissionLost(Permission::Scopes(missing))))
    }
}

/// The company call, made for an organisation's key whose identity was accepted a moment ago.
pub fn company(
    call: &Company,
    expected: &Expected<'_>,
    granted: Option<&Scopes>,
    reply: &Reply,
) -> Result<(), Finding> {
    let answer = answered(reply)?;
    match answer.status {
        200 => {}
        401 => return Err(Finding::Inconclusive(Inconclusive::Contradiction)),
        403 => {
            let needs: Scopes = call.needs.iter().cloned().collect();
            let missing = granted.map(|granted| needs.missing_from(granted)).unwrap_or_default();
            let lost =
                if missing.is_empty() { Permission::Company } else { Permission::Scopes(missing) };
            return Err(Finding::Failed(Failure::PermissionLost(lost)));
        }
        404 => {
            return Err(Finding::Failed(Failure::PermissionLost(Permission::Company)));
        }
        _ => return Err(Finding::Inconclusive(trouble(answer))),
    }
    let Body::Json(body) = &answer.body else {
        return Err(Finding::Inconclusive(Inconclusive::Nonsense));
    };
    let named = call.id.iter().find_map(|pointer| text(body, pointer)).and_then(CompanyId::parse);
    match named {
        Some(named) if expected.company == Some(&named) => Ok(()),
        Some(_) => Err(Finding::Inconclusive(Inconclusive::Contradiction)),
        None => Err(Finding::Inconclusive(Inconclusive::Nonsense)),
    }
}

/// The name that people know a company by, if the company call gave one for that company.
pub fn company_name(call: &Company, company: &CompanyId, reply: &Reply) -> Option<String> {
    let Reply::Answered(Answer { status: 200, body: Body::Json(body), .. }) = reply else {
        return None;
    };
    let named = call.id.iter().find_map(|pointer| text(body, pointer)).and_then(CompanyId::parse);
    let name = call.name.iter().find_map(|pointer| text(body, pointer))?;
    (named.as_ref() == Some(company))
        .then(|| printable(name.trim()))
        .filter(|name| !name.is_empty())
}

/// The installation call, made after the identity was accepted. A missing installation says
/// nothing, and so does a state that is not known; while a disconnection is being confirmed
/// (`sought`), only a state that is known to be connected clears it.
pub fn installation(call: &Installation, sought: bool, reply: &Reply) -> Result<(), Finding> {
    let answer = answered(reply)?;
    match answer.status {
        200 => {}
        404 if !sought => return Ok(()),
        401 => return Err(Finding::Inconclusive(Inconclusive::Contradiction)),
        _ => return Err(Finding::Inconclusive(trouble(answer))),
    }
    let Body::Json(body) = &answer.body else {
        return Err(Finding::Inconclusive(Inconclusive::Nonsense));
    };
    let Some(status) = text(body, &call.status) else {
        return Err(Finding::Inconclusive(Inconclusive::Nonsense));
    };
    if call.disconnected.iter().any(|name| name == status) {
        return Err(Finding::Failed(Failure::Disconnected));
    }
    if sought && !call.connected.iter().any(|name| name == status) {
        return Err(Finding::Inconclusive(Inconclusive::Nonsense));
    }
    Ok(())
}

/// A call that needs a permission, made after the identity was accepted. Only its 403 matters; the
/// body of a 200 is nobody's business, and a 400 or 404 speaks of the profile, not of the key.
pub fn permission(call: &PermissionCall, reply: &Reply) -> Result<(), Finding> {
    let answer = answered(reply)?;
    match answer.status {
        200..=299 | 400 | 404 => Ok(()),
        403 => Err(lacks(&call.needs)),
        401 => Err(Finding::Inconclusive(Inconclusive::Contradiction)),
        _ => Err(Finding::Inconclusive(trouble(answer))),
    }
}

fn answered(reply: &Reply) -> Result<&Answer, Finding> {
    match reply {
        Reply::Answered(answer) => Ok(answer),
        Reply::Lost(why) => Err(Finding::Inconclusive(*why)),
    }
}

/// What a status means that no call gives a meaning of its own.
fn trouble(answer: &Answer) -> Inconclusive {
    match answer.status {
        300..=399 => Inconclusive::Redirected,
        400 => Inconclusive::OurRequest,
        403 => Inconclusive::Forbidden,
        404 => Inconclusive::UnknownResource,
        408 => Inconclusive::TimedOut,
        429 => Inconclusive::RateLimited,
        500..=599 => Inconclusive::ServerError,
        _ => Inconclusive::UnexpectedStatus,
    }
}

fn lacks(needs: &[String]) -> Finding {
    let scopes = needs.iter().cloned().collect();
    Finding::Failed(Failure::PermissionLost(Permission::Scopes(scopes)))
}

/// A text that is worth keeping: not empty, not long, nothing in it that a database or a terminal
/// would stumble over.
fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    let text = at(body, pointer)?.as_str()?;
    let fits = !text.is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
    fits.then_some(text)
}

/// What a JSON pointer points to. The library's own copies every step of it, in every answer.
fn at<'a>(body: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.contains('~') {
        return body.pointer(pointer);
    }
    pointer.strip_prefix('/')?.split('/').try_fold(body, |inside, step| match inside {
        Value::Object(fields) => fields.get(step),
        _ => inside.pointer(&format!("/{step}")),
    })
}

fn scope_set(body: &Value, pointer: &str) -> Option<Scopes> {
    match at(body, pointer)? {
        Value::String(text) => Some(Scopes::parse(text)),
        Value::Array(list) => list.iter().map(|scope| scope.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn parse_subject(call: &Identity, subject: &str) -> Option<Subject> {
    let strip = |prefixes: &[String]| {
        prefixes
            .iter()
            .filter_map(|prefix| subject.strip_prefix(prefix.as_str()))
            .min_by_key(|rest| rest.len())
    };
    if strip(&call.organisation_prefixes).is_some_and(|id| !id.is_empty()) {
        return Some(Subject::Organisation);
    }
    strip(&call.company_prefixes).and_then(CompanyId::parse).map(Subject::Company)
}
