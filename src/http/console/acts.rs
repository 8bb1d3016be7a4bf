//! What is done from the console, by the API's own code and in the visitor's name.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::header;
use axum::response::Response;
use chrono::TimeDelta;
use minijinja::context;

use crate::http::api::acts as deeds;
use crate::http::api::body::Given;
use crate::http::api::caller::chain_refusal;
use crate::http::api::lasting::{self, Erase};
use crate::http::api::links::{self, Link};
use crate::http::api::mail::{self, Hold};
use crate::http::api::problem::{Kind, Problem};
use crate::http::api::role::Deed;
use crate::http::api::tenants::{Reference, found};
use crate::ids::TenantRef;

use super::fields::Fields;
use super::flash::Said;
use super::fleet::{Refused, in_path};
use super::session::Visitor;
use super::{Console, view};

/// What can be done to a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Check,
    Link,
    Revoke,
    Pause,
    Resume,
    Disable,
    ConfirmDeleted,
    Acknowledge,
    Erase,
}

impl Act {
    const ALL: [(&'static str, Self, Deed); 9] = [
        ("check", Self::Check, Deed::Check),
        ("link", Self::Link, Deed::Link),
        ("revoke-links", Self::Revoke, Deed::Link),
        ("pause", Self::Pause, Deed::Pause),
        ("resume", Self::Resume, Deed::Pause),
        ("disable", Self::Disable, Deed::Disable),
        ("confirm-deleted", Self::ConfirmDeleted, Deed::ConfirmDeleted),
        ("acknowledge", Self::Acknowledge, Deed::AcknowledgeDisabled),
        ("erase", Self::Erase, Deed::Erase),
    ];
}

/// What the path says, to whom, and what one must be allowed to do it.
fn wanted(reference: &str, word: &str) -> Result<(Act, Deed, String), Problem> {
    let known = Act::ALL.into_iter().find(|(its, ..)| *its == word);
    let (Some((_, act, deed)), Ok(reference)) = (known, TenantRef::parse(reference)) else {
        return Err(Kind::NoSuchPage.because("the page of the tenant has what can be done to it"));
    };
    Ok((act, deed, reference.as_str().to_owned()))
}

fn may_not(visitor: &Visitor, deed: Deed) -> Problem {
    Kind::RoleNotAllowed.because(format!(
        "the role {} may not {}; docs/API.md says which may",
        visitor.caller.role.word(),
        deed.words()
    ))
}

/// Whether a form may do that. A refusal is chained like one of the API.
async fn allowed(
    console: &Console,
    visitor: &Visitor,
    deed: Deed,
    route: &str,
    reference: Option<&str>,
) -> Result<(), Problem> {
    let caller = &visitor.caller;
    if caller.role.may(deed) {
        return Ok(());
    }
    let whom = reference.map(|reference| Reference(reference.to_owned()));
    chain_refusal(&console.api, caller, route, &axum::http::Method::POST, whom).await;
    Err(may_not(visitor, deed))
}

/// Asks once more before there is no way back.
pub async fn confirm(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Refused> {
    // What is no text names nobody.
    let (reference, word) = path.map_or_else(|_| Default::default(), |Path(path)| path);
    let asked = ask(&console, &visitor, &reference, &word).await;
    asked.map_err(|problem| Refused(Box::new((console, visitor, problem))))
}

async fn ask(
    console: &Console,
    visitor: &Visitor,
    reference: &str,
    word: &str,
) -> Result<Response, Problem> {
    let (act, deed, reference) = wanted(reference, word)?;
    if !visitor.caller.role.may(deed) {
        return Err(may_not(visitor, deed));
    }
    let tenant = found(&console.api, &visitor.caller, &reference).await?;
    let path = in_path(&reference);
    if !matches!(act, Act::Disable | Act::Erase) {
        return Ok(console.redirect(&console.path(&format!("/tenants/{path}"))));
    }
    let title = if act == Act::Erase { "Forget" } else { "Disable" };
    Ok(console.page(
        visitor,
        "confirm.html",
        context! { title => format!("{title} {reference}"), act => word, reference, path, name => tenant.name },
    ))
}

/// Does it.
pub async fn act(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Arc<Fields>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Refused> {
    let (reference, word) = path.map_or_else(|_| Default::default(), |Path(path)| path);
    let done = done(&console, &visitor, &fields, &reference, &word).await;
    let (to, problem) = match done {
        Ok(response) => return Ok(response),
        // Whoever may not do it, or to nobody, has no page to go back to.
        Err(problem) if problem.shown().2.is_server_error() => (None, problem),
        Err(problem) => (TenantRef::parse(&reference).ok(), problem),
    };
    match to {
        Some(to) if known(&console, &visitor, to.as_str()).await => {
            let (title, detail, _) = problem.shown();
            let said = Said { good: false, text: format!("{title}: {detail}") };
            Ok(told(&console, &format!("/tenants/{}", in_path(to.as_str())), &said))
        }
        _ => Err(Refused(Box::new((console, visitor, problem)))),
    }
}

async fn known(console: &Console, visitor: &Visitor, reference: &str) -> bool {
    found(&console.api, &visitor.caller, reference).await.is_ok()
}

async fn done(
    console: &Console,
    visitor: &Visitor,
    fields: &Fields,
    reference: &str,
    word: &str,
) -> Result<Response, Problem> {
    let (act, deed, reference) = wanted(reference, word)?;
    let route = format!("/console/tenants/{{ref}}/{word}");
    allowed(console, visitor, deed, &route, Some(&reference)).await?;
    let (api, caller) = (&console.api, &visitor.caller);
    let (now, store) = (api.clock.now(), api.desk.store(caller));
    let view = found(api, caller, &reference).await?;
    let title = &api.desk.profile().title;
    let text = match act {
        Act::Check => {
            let to = (State(api.clone()), caller.clone(), Reference(reference.clone()));
            let Json(answer) = deeds::check(to.0, to.1, to.2, None).await?;
            format!("{title} was asked: {}.", answer.text)
        }
        Act::Link => {
            links::served(api)?;
            let made = api.desk.link(caller, &view, links::SUPPORT).await?;
            return Ok(shown(console, visitor, &view.reference, None, &Link::of(made)));
        }
        Act::Revoke => match store.revoke_links(view.id, now).await? {
            0 => "No link was open.".to_owned(),
            1 => "1 link was taken back.".to_owned(),
            many => format!("{many} links were taken back."),
        },
        Act::Pause => {
            let until = match fields.text("for") {
                "1d" => Some(now + TimeDelta::days(1)),
                "7d" => Some(now + TimeDelta::days(7)),
                "30d" => Some(now + TimeDelta::days(30)),
                "" => None,
                _ => return Err(Problem::of_field("for", "must be one of those on the page")),
            };
            let pause = Some(Given(deeds::Pause { until }));
            let to = (State(api.clone()), caller.clone(), Reference(reference.clone()));
            let _ = deeds::pause(to.0, to.1, to.2, pause).await?;
            "Paused: it is not asked, and nobody is told about it.".to_owned()
        }
        Act::Resume => {
            let to = (State(api.clone()), caller.clone(), Reference(reference.clone()));
            let _ = deeds::resume(to.0, to.1, to.2, None).await?;
            "Resumed: it is asked again now.".to_owned()
        }
        Act::Disable => {
            meant(fields, &reference)?;
            let reason = Some(fields.text("reason")).filter(|reason| !reason.is_empty());
            let answer = deeds::withdraw(api, caller, &reference, reason).await?;
            if let Some(link) = &answer.link {
                let notice = Some(answer.notice.as_str());
                return Ok(shown(console, visitor, &view.reference, notice, link));
            }
            format!("Disabled: {}.", answer.notice)
        }
        Act::ConfirmDeleted => match store.confirm_deleted(view.id, now).await? {
            0 => "Nothing was to be confirmed.".to_owned(),
            _ => format!("Noted: the withdrawn key was deleted at {title}."),
        },
        Act::Acknowledge => match store.acknowledge_disabled(view.id, now).await? {
            Some(true) => "Noted: the integration uses the withdrawn key no more.".to_owned(),
            Some(false) => "That was noted before.".to_owned(),
            None => {
                let none = "no key of this tenant was ever withdrawn";
                return Err(Kind::NothingToAcknowledge.because(none));
            }
        },
        Act::Erase => {
            meant(fields, &reference)?;
            let reason = fields.text("reason").to_owned();
            let wish = Given(Erase { reference: reference.clone(), reason });
            let to = (State(api.clone()), caller.clone(), Reference(reference.clone()));
            let Json(answer) = lasting::erase(to.0, to.1, to.2, wish).await?;
            let said = Said { good: true, text: format!("Forgotten. {}.", answer.notice) };
            return Ok(told(console, "", &said));
        }
    };
    let to = format!("/tenants/{}", in_path(&reference));
    Ok(told(console, &to, &Said { good: true, text }))
}

/// Whether somebody has typed whom they mean.
fn meant(fields: &Fields, reference: &str) -> Result<(), Problem> {
    if fields.text("confirm") == reference {
        return Ok(());
    }
    Err(Problem::of_field("confirm", "must be the reference of the tenant: nothing was done"))
}

/// Mail to customers is held, or let go.
pub async fn mail(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Arc<Fields>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refused> {
    let word = path.map_or_else(|_| String::new(), |Path(word)| word);
    match mailed(&console, &visitor, &fields, &word).await {
        Ok(said) => Ok(told(&console, "", &said)),
        Err(problem) => Err(Refused(Box::new((console, visitor, problem)))),
    }
}

async fn mailed(
    console: &Console,
    visitor: &Visitor,
    fields: &Fields,
    word: &str,
) -> Result<Said, Problem> {
    let (api, caller) = (&console.api, visitor.caller.clone());
    let route = match word {
        "hold" => "/console/mail/hold",
        "release" => "/console/mail/release",
        _ => return Err(Kind::NoSuchPage.because("the first page has what can be done to mail")),
    };
    allowed(console, visitor, Deed::HoldMail, route, None).await?;
    let good = true;
    if word == "hold" {
        let hold = Given(Hold { reason: fields.text("reason").to_owned() });
        return Ok(match mail::hold(State(api.clone()), caller, hold).await {
            Ok(_) => Said { good, text: "All mail to customers is held.".to_owned() },
            Err(problem) => Said { good: false, text: problem.shown().1.to_owned() },
        });
    }
    let Json(released) = mail::release(State(api.clone()), caller, None).await?;
    let text =
        if released.changed { "Mail to customers goes again." } else { "Mail was not held." };
    Ok(Said { good, text: text.to_owned() })
}

/// A link, once.
fn shown(
    console: &Console,
    visitor: &Visitor,
    reference: &str,
    notice: Option<&str>,
    link: &Link,
) -> Response {
    let until = super::when::When::of(link.expires_at, console.api.clock.now());
    console.page(
        visitor,
        "link.html",
        context! {
            title => format!("A link for {reference}"),
            reference,
            path => in_path(reference),
            url => link.url.as_deref(),
            until => view::value(&until),
            notice,
        },
    )
}

/// Leads to a page that says what came of it.
fn told(console: &Console, to: &str, said: &Said) -> Response {
    let mut response = console.redirect(&console.path(to));
    if let Some(cookie) = said.cookie(console.place.secure) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::api::role::Role;

    #[test]
    fn support_may_ask_and_make_links_and_neither_disable_nor_erase() {
        let may = |role: Role| {
            let acts = Act::ALL.into_iter().filter(move |(_, _, deed)| role.may(*deed));
            acts.map(|(word, ..)| word).collect::<Vec<_>>()
        };
        assert!(may(Role::Reader).is_empty());
        assert_eq!(may(Role::Support), ["check", "link", "revoke-links", "confirm-deleted"]);
        assert!(
            !may(Role::Operator).contains(&"erase") && may(Role::Operator).contains(&"disable")
        );
        assert_eq!(may(Role::Admin).len(), Act::ALL.len());
    }
}
