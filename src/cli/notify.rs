//! `keypulse notify`: how far the installation goes in telling people, and whether on-call can be told.

use std::process::ExitCode;

use chrono::TimeDelta;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use crate::app::{App, oncall, post};
use crate::health::News;
use crate::ids::random_name;
use crate::notify::hook::Page;
use crate::notify::{Answer, Subject, Told, alert};
use crate::store::LabelFilter;
use crate::store::Mode;
use crate::store::Put;

use super::output;

/// How long a test would stand if its end were lost.
const LASTS: TimeDelta = TimeDelta::minutes(5);
/// How long it stands: what begins and ends in one moment is no alert.
const MOMENT: TimeDelta = TimeDelta::milliseconds(1);

/// What to do with the mode, and with on-call.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the modes that are in force for all processes; put another one in force.
    #[command(after_help = "`shadow` decides and writes down, and sends nothing; `on_call` tells \
        on-call and the integration, and customers nothing; `live` writes to customers as well, of \
        what is decided from then on: `keypulse go-live` also begins what is open already. What was \
        decided for somebody who is not told is never sent by itself. Going back gives up what still \
        waits. A process goes no further than its own configuration says.\n\nA label may have a mode \
        of its own: of several the quietest counts, and in `shadow` nobody is told anything, whatever \
        a label says. `as-all` takes it away.\n\nExamples:\n  keypulse notify mode\n  \
        keypulse notify mode on_call\n  keypulse notify mode shadow --label internal")]
    Mode {
        /// The mode to put in force.
        #[arg(value_parser = PossibleValuesParser::new(["shadow", "on_call", "live", "as-all"]))]
        mode: Option<String>,
        /// For tenants with this label only, as `name` or `name=value`.
        #[arg(long, value_name = "LABEL", requires = "mode")]
        label: Option<String>,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Tell on-call a test on every channel that is configured, in any mode, and that it is over.
    #[command(after_help = "The Alertmanager, PagerDuty and Slack get an alert `KeypulseTest` of \
        severity `info`, which is over at once. Exit code 1: somebody did not take it.\n\nExample:\n  \
        keypulse notify test")]
    Test {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Whether the command writes into the audit chain.
pub fn is_chained(command: &Command) -> bool {
    matches!(command, Command::Mode { mode: Some(_), .. })
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let (mode, label, json) = match command {
        Command::Mode { mode, label, json } => (mode, label, json),
        Command::Test { json } => {
            let done = test(&app, *json).await;
            app.store.close().await?;
            return done;
        }
    };
    let label = label.as_deref().map(LabelFilter::parse);
    let done = match mode.as_deref() {
        None => show(&app, *json).await,
        Some(word) => put(&app, Mode::parse(word), label.as_ref(), *json).await,
    };
    app.store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

/// An alert that begins and is over.
async fn test(app: &App, json: bool) -> anyhow::Result<ExitCode> {
    let now = app.clock.now();
    let told = Told {
        subject: Subject::Test,
        cause: String::new(),
        count: 1,
        since: now,
        examples: Vec::new(),
    };
    let console = app.config.console.external_url.as_ref();
    let (begins, ends) = (alert::alert(&told, now, now + LASTS, console), now + MOMENT);
    let over = alert::alert(&told, now, ends, console);
    let mut answers = Vec::new();
    for member in oncall::members(&app.config)? {
        let mut answer = member.push(std::slice::from_ref(&begins)).await;
        if is_taken(answer) {
            answer = member.push(std::slice::from_ref(&over)).await;
        }
        answers.push(("alertmanager", member.host().to_owned(), answer));
    }
    let signer = post::signer(&app.config)?;
    for (kind, hook) in oncall::hooks(&app.config)? {
        let mut answer = Answer::Silence;
        for (news, alert) in [(News::Begins, &begins), (News::Ends, &over)] {
            let body = hook.body(&Page { name: "test", news, alert })?;
            let (id, second) = (format!("test-{}", random_name()?), now.timestamp());
            let signature = signer.sign(&id, second, &body);
            answer = hook.send(&id, second, &signature, &body).await;
            if !is_taken(answer) {
                break;
            }
        }
        answers.push((kind.word(), hook.host().to_owned(), answer));
    }
    if answers.is_empty() {
        anyhow::bail!("on-call has no channel: see `alertmanager.urls` and `[oncall]`");
    }
    let mut good = true;
    for (channel, host, answer) in answers {
        let (taken, words) = (is_taken(answer), answer.words());
        good &= taken;
        if json {
            output::json(&json!({
                "channel": channel, "host": host, "taken": taken, "answer": words,
            }))?;
        } else {
            let sign = if taken { "●" } else { "✖" };
            output::line(&format!("{sign} {channel} ({host}): {words}"))?;
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_taken(answer: Answer) -> bool {
    matches!(answer, Answer::Status(200..=299, _))
}

async fn put(
    app: &App,
    mode: Option<Mode>,
    label: Option<&LabelFilter>,
    json: bool,
) -> anyhow::Result<()> {
    let now = app.clock.now();
    let Put { news, given_up } = match (mode, label) {
        (Some(mode), None) => app.store.set_mode(mode, now).await?,
        (mode, Some(label)) => app.store.set_label_mode(label, mode, now).await?,
        (None, None) => anyhow::bail!("`as-all` is for a label: name one with `--label`"),
    };
    let word = mode.map_or("as-all", Mode::word);
    if json {
        return output::document(&json!({
            "mode": word,
            "label": label.map(ToString::to_string),
            "changed": news,
            "given_up": given_up,
        }));
    }
    let whom = label.map(|label| format!(" for tenants with {label}")).unwrap_or_default();
    if !news {
        return output::line(&format!("the mode{whom} is {word} already; nothing has changed"));
    }
    output::line(&match mode {
        Some(Mode::Shadow) => format!("nothing is sent{whom} from now on"),
        Some(Mode::OnCall) => format!(
            "from now on what is decided for on-call and the integration is sent{whom}, and nothing \
             to customers; what was decided before is not"
        ),
        Some(Mode::Live) => format!(
            "from now on customers are written to{whom} of what is decided; what was decided before \
             is not sent: `keypulse go-live` lists and begins it"
        ),
        None => format!("the mode of all others holds{whom} from now on"),
    })?;
    if given_up > 0 {
        let many = output::many(output::whole(given_up), "message");
        output::line(&format!("{many} that waited given up"))?;
    }
    warn(app, mode.unwrap_or(Mode::Shadow))
}

/// Says so where the configuration at hand does not go as far, or the installation does not.
pub fn warn(app: &App, mode: Mode) -> anyhow::Result<()> {
    let configured = post::configured(app.config.notify.mode);
    if configured < mode {
        output::hint(&format!(
            "the configuration that this command has read says `notify.mode = {}`: a process that is \
             started with it goes no further",
            configured.word()
        ))?;
    }
    Ok(())
}

async fn show(app: &App, json: bool) -> anyhow::Result<()> {
    let in_force = app.store.mode().await?;
    let labels = app.store.label_modes().await?;
    let configured = post::configured(app.config.notify.mode).word();
    if json {
        let labels: Vec<_> = labels
            .iter()
            .map(|one| json!({"label": one.label, "mode": one.mode.word(), "since": one.since}))
            .collect();
        return output::document(&json!({
            "mode": in_force.map(|one| one.mode.word()),
            "since": in_force.map(|one| one.since),
            "configured": configured,
            "labels": labels,
        }));
    }
    output::line(&match in_force {
        None => format!("none yet: the first `keypulse run` puts {configured} in force"),
        Some(one) => format!(
            "{} since {}; configured here: {configured}",
            one.mode.word(),
            output::moment(Some(one.since))
        ),
    })?;
    for one in &labels {
        let (label, since) = (output::printable(&one.label), output::moment(one.since));
        output::line(&format!("{label}: {} since {since}", one.mode.word()))?;
    }
    Ok(())
}
