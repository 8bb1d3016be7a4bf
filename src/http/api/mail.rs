//! The customers' mail: whether it is held, and what the mail system says of addresses.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::given;
use crate::store::Store;

use super::Api;
use super::body::Given;
use super::caller::Caller;
use super::problem::{Details, Kind, Problem};

/// How mail to customers stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailStanding {
    /// The mode that is in force: `shadow`, `on_call` or `live`; null where nothing ever ran.
    mode: Option<&'static str>,
    /// Since when all mail is held; null where it is not.
    held_since: Option<DateTime<Utc>>,
    /// Why, in the words of whoever did it.
    held_why: Option<String>,
    /// Mails that wait, for whatever they wait.
    waiting: u64,
    /// Since when the oldest of them was owed.
    waiting_since: Option<DateTime<Utc>>,
}

/// Why mail is held.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// In a few words: whoever comes next reads it.
    #[schema(max_length = 200)]
    pub reason: String,
}

/// How mail is let go.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Give up what waits by now.
    #[serde(default)]
    drop: bool,
}

/// What came of a release.
#[derive(Debug, Serialize, ToSchema)]
pub struct Released {
    /// Whether anything is different now: false where nothing was held.
    pub changed: bool,
    /// Mails that were given up.
    given_up: u64,
}

/// What the mail system says of an address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailEvent {
    /// The address.
    #[schema(max_length = 254)]
    address: String,
    /// What happened to a mail to it.
    event: MailEventKind,
}

/// What happened to a mail.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailEventKind {
    /// It came back for good. A mailbox that is full for a while is none.
    Bounced,
    /// Its reader has called it unwanted.
    Complained,
}

/// What came of an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailEventNoted {
    /// Contacts that are not written to any more because of it.
    contacts: u64,
    /// Mails that came back and are owed again, to the next contact.
    sent_again: u64,
}

/// How mail to customers stands.
#[utoipa::path(get, path = "/api/v1/mail", operation_id = "read_mail", tag = "mail",
    responses((status = OK, description = "How it stands", body = MailStanding)))]
pub async fn read(State(api): State<Api>, caller: Caller) -> Result<Json<MailStanding>, Problem> {
    standing(&api.desk.store(&caller)).await
}

/// Hold all mail to customers.
///
/// In all processes, within seconds. What is owed meanwhile waits.
#[utoipa::path(post, path = "/api/v1/mail/hold", operation_id = "hold_mail", tag = "mail",
    request_body = Hold,
    responses((status = OK, description = "Held", body = MailStanding),
        (status = CONFLICT, description = "Nothing is sent yet", body = Details,
            content_type = "application/problem+json")))]
pub async fn hold(
    State(api): State<Api>,
    caller: Caller,
    Given(Hold { reason }): Given<Hold>,
) -> Result<Json<MailStanding>, Problem> {
    let reason = given::remark(&reason).map_err(|must| Problem::of_field("reason", must))?;
    let store = api.desk.store(&caller);
    if store.hold_mail(&reason, api.clock.now()).await?.is_none() {
        return Err(Kind::NothingSent.because("no keypulse has run on this database yet"));
    }
    standing(&store).await
}

/// Let mail to customers go again.
#[utoipa::path(post, path = "/api/v1/mail/release", operation_id = "release_mail", tag = "mail",
    request_body = Release,
    responses((status = OK, description = "Not held", body = Released),
        (status = CONFLICT, description = "A backup was restored, and not everybody was asked since",
            body = Details, content_type = "application/problem+json")))]
pub async fn release(
    State(api): State<Api>,
    caller: Caller,
    body: Option<Given<Release>>,
) -> Result<Json<Released>, Problem> {
    let Release { drop } = body.map(|Given(release)| release).unwrap_or_default();
    let given_up = api.desk.store(&caller).release_mail(drop, api.clock.now()).await?;
    Ok(Json(Released { changed: given_up.is_some(), given_up: given_up.unwrap_or(0) }))
}

/// Tell what became of a mail later.
///
/// For bounces and complaints, which a relay hears of after it has taken a mail. An address that
/// bounced is not written to any more, for no tenant. What was sent there last of a story that is still
/// open goes to the next contact at once, where there is one; what was called unwanted does not.
#[utoipa::path(post, path = "/api/v1/mail-events", operation_id = "mail_event", tag = "mail",
    request_body = MailEvent,
    responses((status = OK, description = "Noted", body = MailEventNoted)))]
pub async fn event(
    State(api): State<Api>,
    caller: Caller,
    Given(MailEvent { address, event }): Given<MailEvent>,
) -> Result<Json<MailEventNoted>, Problem> {
    let address = given::address(&address).map_err(|must| Problem::of_field("address", must))?;
    let (store, now) = (api.desk.store(&caller), api.clock.now());
    let (contacts, sent_again) = match event {
        MailEventKind::Bounced => {
            store.bounce_address(&address, "a mail to this address came back", now).await?
        }
        MailEventKind::Complained => {
            let why = "its reader called a mail unwanted";
            (store.refuse_address(&address, why, now).await?, 0)
        }
    };
    Ok(Json(MailEventNoted { contacts, sent_again }))
}

async fn standing(store: &Store) -> Result<Json<MailStanding>, Problem> {
    let (mode, held) = (store.mode().await?, store.held().await?);
    let waiting = store.waiting_mail().await?;
    let (held_since, held_why) = held.map(|held| (held.since, held.why)).unzip();
    Ok(Json(MailStanding {
        mode: mode.map(|one| one.mode.word()),
        held_since,
        held_why,
        waiting: waiting.mails,
        waiting_since: waiting.since,
    }))
}
