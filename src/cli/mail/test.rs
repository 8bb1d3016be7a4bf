//! `keypulse mail test`

use std::process::ExitCode;

use anyhow::bail;

use crate::app::mailer;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::ids::random_name;
use crate::notify::mail::{Address, Failed, Outcome, Parcel, Step};

use super::super::output;

const SUBJECT: &str = "Test of keypulse";
const TEXT: &str = "This mail was sent by hand with `keypulse mail test`. It says nothing of any \
                    connection, and nothing has to be done.\n";
const HTML: &str = "<p>This mail was sent by hand with <code>keypulse mail test</code>. It says \
                    nothing of any connection, and nothing has to be done.</p>\n";

/// Sends one, and says of each step what came of it.
pub async fn run(config: &Config, to: &str) -> anyhow::Result<ExitCode> {
    if let Err(error) = Address::read(to) {
        bail!("`--to` cannot be used: {error}");
    }
    let Some(mailer) = mailer::of(config)? else {
        bail!("no mail can be sent: neither `mail.host` nor `mail.dir` is set");
    };
    let id = format!("test-{}", random_name()?);
    let at = SystemClock::default().now();
    let parcel =
        Parcel { id: &id, to, subject: SUBJECT, text: TEXT, html: HTML, at, language: "en" };
    let mut taken = Vec::new();
    let outcome = mailer.send_watched(&parcel, || async { true }, &mut taken).await;
    output::line(&format!("mail {id} by {}", output::printable(mailer.host())))?;
    for step in &taken {
        output::line(&format!("● {}", step.doing()))?;
    }
    let failed = match outcome {
        Outcome::Sent | Outcome::Withheld => None,
        Outcome::Failed(Failed { step, .. }) => Some(step),
        Outcome::Unknown(_) => Some(Step::End),
    };
    if let Some(step) = failed {
        output::line(&format!("✖ {}", step.doing()))?;
    }
    output::line(&outcome.words())?;
    Ok(if outcome == Outcome::Sent { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
