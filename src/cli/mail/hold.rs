//! `keypulse mail hold`, `release` and `status`: whether mail goes to customers at all.

use anyhow::bail;
use serde_json::json;

use crate::app::App;
use crate::cli::output;
use crate::store::Release;
use crate::store::Waiting;

/// Holds all mail.
pub async fn hold(app: &App, reason: &str) -> anyhow::Result<()> {
    match app.store.hold_mail(reason, app.clock.now()).await? {
        Some(true) => output::line(
            "no mail to a customer is begun any more, by any process; one whose body is being sent \
             at this moment ends. `keypulse mail release` lets it go again",
        ),
        Some(false) => output::line("mail is held already; the reason is this one now"),
        None => bail!("nothing is sent yet: the first `keypulse run` begins"),
    }
}

/// Lets mail go again.
pub async fn release(app: &App, how: Release) -> anyhow::Result<()> {
    let restored = app.store.restored().await?;
    let Some(dropped) = app.store.release_mail_as(how, app.clock.now()).await? else {
        bail!("mail is not held: there is nothing to release");
    };
    let Waiting { mails, .. } = app.store.waiting_mail().await?;
    let waiting = output::many(output::whole(mails), "mail");
    if restored.is_some() && dropped > 0 && !how.drop {
        output::line(&format!(
            "{} not sent, because a customer may have been told before the backup was restored: \
             `keypulse messages list --state unknown`",
            output::many(output::whole(dropped), "mail")
        ))?;
    }
    output::line(&if how.drop {
        format!("released; {} that waited given up", output::many(output::whole(dropped), "mail"))
    } else {
        format!("released; {waiting} that waited go now, as far as they are still true")
    })
}

/// Says how it stands.
pub async fn status(app: &App, json: bool) -> anyhow::Result<()> {
    let (mode, held) = (app.store.mode().await?, app.store.held().await?);
    let waiting = app.store.waiting_mail().await?;
    let channel = app.store.channels().await?.into_iter().find(|one| one.kind == "mail");
    let restored = app.store.restored().await?;
    let failing = channel.as_ref().and_then(|one| one.failing_since);
    if json {
        return output::document(&json!({
            "mode": mode.map(|one| one.mode.word()),
            "held": held.as_ref().map(|held| json!({"since": held.since, "reason": held.why})),
            "restored": restored.as_ref().map(|one| json!({
                "backup": one.backup,
                "made_at": one.made_at,
                "at": one.at,
                "to_ask": one.to_ask,
            })),
            "waiting": waiting.mails,
            "waiting_since": waiting.since,
            "relay": channel.as_ref().map(|one| &one.host),
            "failing_since": failing,
        }));
    }
    let word = mode.map_or("none yet", |one| one.mode.word());
    output::line(&format!("mode: {word}"))?;
    output::line(&match held {
        Some(held) => format!(
            "held since {}: {}",
            output::moment(Some(held.since)),
            output::printable(&held.why)
        ),
        None => "not held".to_owned(),
    })?;
    if let Some(restored) = restored {
        output::line(&format!(
            "still to be asked since: {}",
            output::many(output::whole(restored.to_ask), "tenant")
        ))?;
    }
    let since = match waiting.since {
        Some(since) => format!(", the oldest since {}", output::moment(Some(since))),
        None => String::new(),
    };
    output::line(&format!(
        "waiting: {}{since}",
        output::many(output::whole(waiting.mails), "mail")
    ))?;
    match failing {
        Some(since) => output::line(&format!(
            "the relay has taken nothing since {}: `keypulse mail doctor` looks why",
            output::moment(Some(since))
        )),
        None => Ok(()),
    }
}
