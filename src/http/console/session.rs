//! Who is at the console: the session of a cookie, and the token or the word of a proxy behind it, which are
//! asked each time. A session whose token is revoked, or whose person the proxy lets through no more, is
//! none from that moment on.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use chrono::TimeDelta;
use subtle::ConstantTimeEq;
use tracing::debug;

use crate::http::api::caller::{self, By, Caller};
use crate::http::api::problem::{Kind, Problem};
use crate::http::api::role::Role;
use crate::http::listener::Peer;
use crate::ids::random_bytes;
use crate::store::{Session, SignedIn, StoreError};
use crate::vault::sha256;

use super::Console;
use super::cookie;
use super::flash::Said;
use super::place::Known;

/// After so long without a visit a session ends.
const IDLE: TimeDelta = TimeDelta::hours(1);
/// What its cookie is called.
const NAME: &str = "kp-console";
/// What sets the codes of forms and the ids of people apart from everything else under the same key.
const FORM: &[u8] = b"keypulse console form 1\n";
const PERSON: &[u8] = b"keypulse console person 1\n";

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who it is, and what they may do.
    pub caller: Caller,
    /// SHA-256 of what the cookie holds.
    pub hash: [u8; 32],
    /// Whether a proxy has signed them in.
    pub proxied: bool,
    /// What came of their last form, if they are yet to see it.
    pub said: Option<Said>,
}

/// What came of looking who it is.
pub enum Who {
    /// Somebody who was signed in before.
    Here(Visitor),
    /// Somebody whom the proxy has just let in, with the cookie for it.
    New(Visitor, HeaderValue),
    /// Somebody whom the proxy knows, who has to open a page to be let in.
    Away,
    /// Somebody whom the proxy knows, and who may do nothing.
    Stranger(String),
    /// Nobody known.
    Nobody,
}

impl Visitor {
    /// What the forms of this session carry: nobody else can know it.
    pub fn form_token(&self, console: &Console) -> String {
        hex(&console.api.desk.request_mac(&[FORM, &self.hash[..]].concat())[..16])
    }

    /// Whether that is what the forms of this session carry.
    pub fn has_sent(&self, console: &Console, token: &str) -> bool {
        self.form_token(console).as_bytes().ct_eq(token.as_bytes()).into()
    }
}

/// Who asks.
pub async fn of(console: &Console, parts: &Parts, peer: Peer) -> Result<Who, Problem> {
    let api = &console.api;
    let known = console.place.known(parts, peer);
    if let Some(held) = held(&parts.headers, console.place.secure) {
        let hash = sha256(held.as_bytes());
        let now = api.clock.now();
        if let Some(session) = api.store.session(&hash, IDLE, now).await?
            && let Some(visitor) = visitor(console, &session, hash, known.as_ref()).await?
        {
            // A page that asks for itself again is nobody's visit.
            if !parts.headers.contains_key("x-refresh")
                && let Err(error) = api.store.note_session(&hash, &session, now).await
            {
                debug!("a visit to the console was not noted: {error}");
            }
            api.limits.count(&visitor.caller.token)?;
            return Ok(Who::Here(visitor));
        }
    }
    let Some(Known { name, role }) = known else { return Ok(Who::Nobody) };
    let Some(role) = role else { return Ok(Who::Stranger(name)) };
    if !opens(parts) {
        return Ok(Who::Away);
    }
    let caller = person(console, &name, role);
    api.limits.count(&caller.token)?;
    let (visitor, cookie) = begin(console, caller, SignedIn::Person(name)).await?;
    Ok(Who::New(visitor, cookie))
}

/// Whether somebody opens a page; a form, a script or a picture on somebody else's page begins nothing.
fn opens(parts: &Parts) -> bool {
    let said = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let here = matches!(said("sec-fetch-site"), None | Some("none" | "same-origin"));
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let leads = here || said("sec-fetch-mode") == Some("navigate");
    reads && leads && !parts.headers.contains_key("x-refresh")
}

/// Whose session it is, if they may still have it.
async fn visitor(
    console: &Console,
    session: &Session,
    hash: [u8; 32],
    known: Option<&Known>,
) -> Result<Option<Visitor>, StoreError> {
    Ok(match &session.holder {
        SignedIn::Token(id) => {
            let Some(kept) = console.api.store.token(id).await? else { return Ok(None) };
            let caller = caller::of_kept(&console.api, kept).await.ok();
            caller.map(|caller| Visitor { caller, hash, proxied: false, said: None })
        }
        SignedIn::Person(name) => {
            let role = known.filter(|known| known.name == *name).and_then(|known| known.role);
            role.map(|role| Visitor {
                caller: person(console, name, role),
                hash,
                proxied: true,
                said: None,
            })
        }
    })
}

/// Begins a session; gives back the cookie that stands for it.
pub async fn begin(
    console: &Console,
    caller: Caller,
    holder: SignedIn,
) -> Result<(Visitor, HeaderValue), Problem> {
    console.api.limits.begin(&caller.token)?;
    let drawn = random_bytes::<32>().map_err(|_| Problem::ours("there is no randomness"))?;
    let held = hex(&drawn);
    let now = console.api.clock.now();
    let (hash, lasts) = (sha256(held.as_bytes()), console.place.lasts);
    let session = Session { holder, created_at: now, seen_at: now, expires_at: now + lasts };
    console.api.desk.store(&caller).begin_session(&hash, &session).await?;
    let proxied = caller.by == By::Proxy;
    let cookie = set(&held, lasts, console.place.secure)
        .ok_or_else(|| Problem::ours("the cookie of a session is no header"))?;
    Ok((Visitor { caller, hash, proxied, said: None }, cookie))
}

/// Takes the cookie away.
pub fn gone(secure: bool) -> Option<HeaderValue> {
    set("", TimeDelta::zero(), secure)
}

/// Somebody whom a proxy knows. The chain keeps an id that names nobody.
fn person(console: &Console, name: &str, role: Role) -> Caller {
    let id = console.api.desk.request_mac(&[PERSON, name.as_bytes()].concat());
    Caller { by: By::Proxy, token: hex(&id[..8]), name: name.to_owned(), role }
}

fn set(held: &str, lasts: TimeDelta, secure: bool) -> Option<HeaderValue> {
    // Lax, not Strict: alerts lead here from elsewhere, and a form is checked by what it carries and
    // where it comes from.
    cookie::set(NAME, held, lasts.num_seconds(), "Lax", secure)
}

fn held(headers: &HeaderMap, secure: bool) -> Option<&str> {
    let held = cookie::held(headers, NAME, secure)?;
    let whole = held.len() == 64 && held.bytes().all(|byte| byte.is_ascii_hexdigit());
    whole.then_some(held)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Why nobody is let in whom the proxy knows and who has no role.
pub fn stranger(name: &str) -> Problem {
    Kind::RoleNotAllowed.because(format!(
        "the proxy says that you are {}, and none of your groups has a role here: \
         `console.proxy_roles` says which have",
        crate::redact::printable(name)
    ))
}
