//! What the forms of a page do. Each ends in an outcome that is written down with the link; the page is
//! made from that, so that loading it again does nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;
use tracing::{error, warn};
use zeroize::Zeroizing;

use crate::health::Finding;
use crate::health::Health;
use crate::health::Status;
use crate::http::api::desk::{Checked, DeskError, Offered, Owner};
use crate::provider::Refusal;
use crate::redact::chain;
use crate::redact::mask;
use crate::store::KeptLink;
use crate::store::LinkState;
use crate::store::StoreError;
use crate::store::TenantView;
use crate::store::Trial;

use super::Public;
use super::form::Form;
use super::invitation::Invitation;
use super::limits::pause_after;
use super::outcome::Outcome;
use super::page;
use super::screen::{self, Screen, Why};
use super::visit::{Visit, said_of};

/// How long a key waits for a yes.
const HELD: TimeDelta = TimeDelta::minutes(15);
/// How long a check that runs already is waited for, and how often it is looked for.
const MOMENT: Duration = Duration::from_millis(300);
const MOMENTS: u32 = 20;

/// Does what a form asks for, one at a time for each link. What it comes to is kept with the link.
pub async fn act(public: &Public, visit: Visit, form: Form) -> Result<(), DeskError> {
    let turn = public.turns.of(&visit.link.id);
    let _turn = turn.lock().await;
    // Somebody may have been faster, in another tab or by a second tap.
    let Some(visit) = public.again(&visit).await? else { return Ok(()) };
    let now = public.clock.now();
    let open = visit.link.state(now) == LinkState::Open;
    match form.deed.as_str() {
        "try" if open => try_key(public, &visit, &form).await,
        "again" if open => test_again(public, &visit).await,
        "yes" if open => confirmed(public, &visit).await,
        "no" if open => note(public, &visit, Outcome::GivenUp { by_person: true }).await,
        "decline" if open => decline(public, &visit).await,
        "renew" if !open => renew(public, &visit).await,
        _ => Ok(()),
    }
}

async fn try_key(public: &Public, visit: &Visit, form: &Form) -> Result<(), DeskError> {
    // A key that is pasted twice is tried once: the first was taken, and the page says so.
    let Some(expires_at) = page::day(&form.expires) else {
        return note(public, visit, refused_day(public, visit)).await;
    };
    let now = public.clock.now();
    if expires_at.is_some_and(|at| at <= now) {
        return note(public, visit, refused_day(public, visit)).await;
    }
    if !begun(public, visit).await? {
        return Ok(());
    }
    let outcome = match tried(public, visit, &form.key, expires_at).await {
        Ok(outcome) => outcome,
        Err(error) => failed(&error, true),
    };
    match &outcome {
        Outcome::ToConfirm { .. } => hold(public, visit, &form.key, outcome).await,
        _ => note(public, visit, outcome).await,
    }
}

/// Whether a key may be tried now; whoever may not reads on the page until when.
async fn begun(public: &Public, visit: &Visit) -> Result<bool, DeskError> {
    let now = public.clock.now();
    let next = now + pause_after(visit.link.tries.saturating_add(1));
    let trial = public.store(visit).begin_try(&visit.link.id, next, now).await?;
    Ok(matches!(trial, Trial::Begun(_)))
}

async fn tried(
    public: &Public,
    visit: &Visit,
    key: &Zeroizing<String>,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Outcome, DeskError> {
    let link = visit.link.id.as_str();
    if let Some(tenant) = &visit.tenant {
        let offered = public.window.enter(link, tenant.id, key, expires_at).await?;
        return Ok(of_offer(public, visit, offered));
    }
    let Some(invitation) = invitation(&visit.link) else { return Ok(Outcome::Ours) };
    let Some(company) = invitation.company.clone() else {
        return Ok(match public.window.whose(key).await? {
            Owner::Company(company, name) => Outcome::ToConfirm {
                name,
                company: company.as_str().to_owned(),
                masked: mask(key.trim()),
                expires_at,
            },
            Owner::Refused(refusal) => refused(public, visit, &refusal),
        });
    };
    let offered = public.window.admit(link, invitation, company, key, expires_at).await?;
    Ok(of_offer(public, visit, offered))
}

/// The yes of a person to a company that was shown.
async fn confirmed(public: &Public, visit: &Visit) -> Result<(), DeskError> {
    let Some(Outcome::ToConfirm { company, expires_at, .. }) = visit.said() else { return Ok(()) };
    let (Some((sealed, until)), Some(invitation)) = (&visit.link.held, invitation(&visit.link))
    else {
        return Ok(());
    };
    let (Some(company), true) =
        (crate::health::CompanyId::parse(&company), public.clock.now() < *until)
    else {
        return note(public, visit, Outcome::GivenUp { by_person: false }).await;
    };
    if !begun(public, visit).await? {
        return Ok(());
    }
    let admitted = async {
        let key = public.window.unseal(&visit.link, sealed).await?;
        let link = visit.link.id.as_str();
        public.window.admit(link, invitation, company, &key, expires_at).await
    };
    let outcome = match admitted.await {
        Ok(offered) => of_offer(public, visit, offered),
        Err(error) => failed(&error, true),
    };
    note(public, visit, outcome).await
}

async fn test_again(public: &Public, visit: &Visit) -> Result<(), DeskError> {
    let Some(tenant) = &visit.tenant else { return Ok(()) };
    if !begun(public, visit).await? {
        return Ok(());
    }
    let mut checked = public.window.check(&visit.link.id, tenant.id).await;
    // A check that runs already is no fault of the provider's: it is over in a moment.
    for _ in 0..MOMENTS {
        if !matches!(checked, Ok(Checked::UnderWay)) {
            break;
        }
        sleep(MOMENT).await;
        checked = public.window.check(&visit.link.id, tenant.id).await;
    }
    let outcome = match checked {
        Ok(Checked::Asked(Finding::Accepted)) => match public.again(visit).await? {
            Some(Visit { tenant: Some(now), .. }) if is_well(&now) => Outcome::Connected,
            // A key that came and went before has to be accepted twice.
            _ => Outcome::OnceMore,
        },
        Ok(Checked::Asked(Finding::Failed(_)) | Checked::NoKey) => Outcome::StillLacking,
        Ok(Checked::Asked(_) | Checked::UnderWay | Checked::NoCall) => {
            Outcome::NoAnswer { pasted: false }
        }
        Err(error) => failed(&error, false),
    };
    note(public, visit, outcome).await
}

async fn decline(public: &Public, visit: &Visit) -> Result<(), DeskError> {
    let Some(tenant) = &visit.tenant else { return Ok(()) };
    let shown = screen::screen(&visit.link, Some(&tenant.health), public.clock.now());
    if matches!(shown, Screen::Ask(ask) if ask.why == Why::Declined) {
        return Ok(());
    }
    let outcome = match public.window.decline(&visit.link.id, tenant.id).await {
        Ok(true) => Outcome::Declined,
        Ok(false) => Outcome::Ours,
        Err(error) => failed(&error, false),
    };
    note(public, visit, outcome).await
}

/// Whether a new link is owed or not, the answer is the same.
async fn renew(public: &Public, visit: &Visit) -> Result<(), DeskError> {
    if let Some(tenant) = &visit.tenant
        && !is_well(tenant)
    {
        public.store(visit).owe_link(tenant.id, public.clock.now()).await?;
    }
    note(public, visit, Outcome::Renewed).await
}

async fn hold(
    public: &Public,
    visit: &Visit,
    key: &Zeroizing<String>,
    outcome: Outcome,
) -> Result<(), DeskError> {
    let sealed = match public.window.seal(&visit.link, key).await {
        Ok(sealed) => sealed,
        Err(error) => return note(public, visit, failed(&error, true)).await,
    };
    let now = public.clock.now();
    let held = Some((sealed.as_slice(), now + HELD));
    let store = public.store(visit);
    Ok(store.end_try(&visit.link.id, &outcome.written(), outcome.counts(), held, now).await?)
}

async fn note(public: &Public, visit: &Visit, outcome: Outcome) -> Result<(), DeskError> {
    let now = public.clock.now();
    let store = public.store(visit);
    Ok(store.end_try(&visit.link.id, &outcome.written(), outcome.counts(), None, now).await?)
}

fn of_offer(public: &Public, visit: &Visit, offered: Offered) -> Outcome {
    match offered {
        // The present key once more: it works, or it would have been refused. What is still to be
        // seen of it, the page does not promise.
        Offered::Same { .. } if visit.tenant.as_ref().is_some_and(is_unsteady) => Outcome::OnceMore,
        Offered::Live { .. } | Offered::Same { .. } => Outcome::Connected,
        Offered::Refused(refusal) => refused(public, visit, &refusal),
    }
}

fn refused(public: &Public, visit: &Visit, refusal: &Refusal) -> Outcome {
    let (text, values) = said_of(public.window.profile(), &visit.subject(&public.window), refusal);
    Outcome::Refused { kind: refusal.name().to_owned(), text, values }
}

/// A day of expiry that is none, or is over.
fn refused_day(public: &Public, visit: &Visit) -> Outcome {
    let values: BTreeMap<_, _> = [
        ("provider".to_owned(), public.window.profile().title.clone()),
        ("customer".to_owned(), visit.subject(&public.window).customer),
    ]
    .into();
    Outcome::Refused { kind: "bad-expiry".to_owned(), text: "page-refused-day".to_owned(), values }
}

fn failed(error: &DeskError, pasted: bool) -> Outcome {
    match error {
        DeskError::Store(StoreError::RefTaken(_)) => {
            warn!("a customer followed an invitation for a reference that is taken");
            Outcome::Ours
        }
        DeskError::Ending => Outcome::NoAnswer { pasted },
        other => {
            error!("what a customer did by a link failed: {}", chain(other));
            Outcome::Ours
        }
    }
}

fn invitation(link: &KeptLink) -> Option<Invitation> {
    link.wanted.as_deref().and_then(Invitation::read)
}

fn is_well(tenant: &TenantView) -> bool {
    matches!(tenant.health.status, Status::Healthy { .. })
}

fn is_unsteady(tenant: &TenantView) -> bool {
    let Health { status, .. } = &tenant.health;
    status.returning().is_some()
}
