//! Whom keypulse tells, as it is configured: the channels, and who works them.

use std::cmp::Ordering;
use std::sync::Arc;

use anyhow::Context;
use tokio::task::JoinSet;
use tracing::{info, warn};
use url::Url;

use crate::config::{Config, NotifyMode};
use crate::edge::Guard;
use crate::notify::Endpoint;
use crate::shutdown::Shutdown;
use crate::store::{Channel, ChannelKind, InForce, MAIL_CHANNEL, Mode};
use crate::task::alarm::{self, Alarm};
use crate::task::{Board, Checker, Lane, Pager, Postman, Remind, Signer};
use crate::telemetry::Metrics;
use crate::vault::{WebhookSecret, sha256};

use super::{App, letters, oncall};

/// Digits of the name of an endpoint.
const DIGITS: usize = 6;

/// All who tell somebody.
#[derive(Debug)]
pub struct Post {
    lanes: Vec<Lane>,
    alarm: Option<Alarm>,
    pagers: Vec<Pager>,
    postman: Option<Postman>,
    remind: Remind,
    channels: Vec<Channel>,
    configured: Mode,
}

impl Post {
    /// Those that are configured. Nothing is sent and nothing written.
    pub fn of(app: &App, checker: &Arc<Checker>) -> anyhow::Result<Self> {
        let metrics = &checker.metrics;
        let config = &app.config;
        let mut channels = Vec::new();
        let lanes = lanes(app, metrics)?;
        channels.extend(lanes.iter().map(|lane| Channel {
            name: lane.channel.to_string(),
            kind: ChannelKind::Webhook,
            host: lane.endpoint.host().to_owned(),
        }));
        let members = oncall::members(config)?;
        if let Some(first) = members.first() {
            channels.push(Channel {
                name: alarm::CHANNEL.to_owned(),
                kind: ChannelKind::Alertmanager,
                host: first.host().to_owned(),
            });
        }
        let hooks = oncall::hooks(config)?;
        channels.extend(hooks.iter().map(|(kind, hook)| Channel {
            name: kind.word().to_owned(),
            kind: *kind,
            host: hook.host().to_owned(),
        }));
        let postman = letters::postman(app, checker)?;
        if let Some(postman) = &postman {
            channels.push(Channel {
                name: MAIL_CHANNEL.to_owned(),
                kind: ChannelKind::Mail,
                host: postman.mailer.host().to_owned(),
            });
        }
        let board = Board {
            store: app.store.clone(),
            clock: Arc::clone(&app.clock),
            patience: letters::patience(config),
            console: config.console.external_url.clone(),
        };
        let signer = Arc::new(signer(config)?);
        let pager = |(kind, hook): (ChannelKind, _)| {
            Pager::new(board.clone(), metrics.clone(), kind.word(), hook, Arc::clone(&signer))
        };
        let pagers = hooks.into_iter().map(pager).collect();
        let alarm =
            (!members.is_empty()).then(|| Alarm::new(board.clone(), metrics.clone(), members));
        let remind = letters::remind(app);
        let configured = configured(config.notify.mode);
        Ok(Self { lanes, alarm, pagers, postman, remind, channels, configured })
    }

    /// Takes these channels for the installation's, and its mode for what is in force; says what is
    /// sent.
    pub async fn begin(&self, app: &App, metrics: &Metrics) -> anyhow::Result<InForce> {
        // A process that sends nothing does not say where to.
        if self.configured != Mode::Shadow {
            app.store.know_channels(&self.channels).await?;
        }
        let in_force = app.store.begin_mode(self.configured, app.clock.now()).await?;
        let labels = app.store.label_modes().await?;
        // Whoever tries it with some customers has processes that can write to them.
        let pilot = in_force.mode == Mode::OnCall
            && self.configured == Mode::Live
            && labels.iter().any(|one| one.mode == Mode::Live);
        let differs = in_force.mode != self.configured && !pilot;
        metrics.notify_mode_differs.set(differs.into());
        let (word, configured) = (in_force.mode.word(), self.configured.word());
        let said = match in_force.mode.min(self.configured) {
            Mode::Shadow => "nobody is told anything",
            Mode::OnCall => "on-call and the integration are told, customers nothing",
            Mode::Live => "on-call, the integration and customers are told",
        };
        match self.configured.cmp(&in_force.mode) {
            Ordering::Equal => info!("{said} (notify.mode = {word})"),
            Ordering::Greater if pilot => {
                info!("{said}, but for those with a label (notify.mode = {word})");
            }
            Ordering::Greater => warn!(
                "{said}: notify.mode is {configured} here and {word} in the database, which counts; \
                 `keypulse notify mode {configured}` changes it"
            ),
            Ordering::Less => warn!(
                "this process goes no further than {configured}: notify.mode is {configured} here \
                 and {word} in the database, so what it decides beyond that is owed and waits for a \
                 process that sends it"
            ),
        }
        for one in labels {
            info!("for tenants with the label {} it is {}", one.label, one.mode.word());
        }
        Ok(in_force)
    }

    /// Begins to tell, until the shutdown. A process that is configured for shadow never does, and one
    /// that is configured for on-call writes to no customer. Reminders are owed by every process.
    pub fn start(self, shutdown: &Shutdown) -> JoinSet<()> {
        let mut working = JoinSet::new();
        working.spawn(self.remind.run(shutdown.clone()));
        if self.configured == Mode::Shadow {
            return working;
        }
        for lane in self.lanes {
            working.spawn(lane.run(shutdown.clone()));
        }
        if let Some(alarm) = self.alarm {
            working.spawn(alarm.run(shutdown.clone()));
        }
        for pager in self.pagers {
            working.spawn(pager.run(shutdown.clone()));
        }
        if let (Mode::Live, Some(postman)) = (self.configured, self.postman) {
            working.spawn(postman.run(shutdown.clone()));
        }
        working
    }
}

/// A lane for each endpoint that is configured.
pub fn lanes(app: &App, metrics: &Metrics) -> anyhow::Result<Vec<Lane>> {
    let webhook = &app.config.webhook;
    let signer = Arc::new(signer(&app.config)?);
    let guard = Guard::allowing(&webhook.allow_hosts);
    let lane = |address: &Url| {
        let endpoint =
            Endpoint::at(address, &guard).context("`webhook.endpoints` cannot be used")?;
        Ok(Lane {
            store: app.store.clone(),
            clock: Arc::clone(&app.clock),
            metrics: metrics.clone(),
            channel: channel_name(address).into(),
            endpoint,
            signer: Arc::clone(&signer),
        })
    };
    webhook.endpoints.iter().map(lane).collect()
}

/// What signs whatever is sent; nothing where there is no secret.
pub fn signer(config: &Config) -> anyhow::Result<Signer> {
    let webhook = &config.webhook;
    let mut secrets = Vec::new();
    for (key, secret) in [
        ("webhook.secret_file", &webhook.secret),
        ("webhook.previous_secret_file", &webhook.previous_secret),
    ] {
        if let Some(secret) = secret {
            let secret = WebhookSecret::read(secret);
            secrets.push(secret.with_context(|| format!("`{key}` cannot be used"))?);
        }
    }
    Ok(Signer(secrets))
}

/// The name of the channel to an endpoint: the same wherever the address is the same.
pub fn channel_name(address: &Url) -> String {
    let hash = sha256(address.as_str().as_bytes());
    let mut name = "webhook-".to_owned();
    for byte in hash.iter().take(DIGITS) {
        for half in [byte >> 4, byte & 15] {
            name.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    name
}

/// The mode that a process is configured for.
pub fn configured(mode: NotifyMode) -> Mode {
    match mode {
        NotifyMode::Shadow => Mode::Shadow,
        NotifyMode::OnCall => Mode::OnCall,
        NotifyMode::Live => Mode::Live,
    }
}
