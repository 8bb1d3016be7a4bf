//! What keypulse is made of: its configuration, its keys, its database, its listener, its provider.
//!
//! Long because each part has one check, and they are read side by side.

use std::error::Error;
use std::io;
use std::path::Path;

use chrono::TimeDelta;

use crate::app::{self, App, doors, post};
use crate::clock::Clock;
use crate::config::Config;
use crate::custody::list::COUNTS;
use crate::http::listener;
use crate::http::listener::ListenError;
use crate::provider::Client;
use crate::provider::Limits;
use crate::provider::Profile;
use crate::store::Dialect;
use crate::store::Instance;
use crate::store::Mode;
use crate::store::Outcomes;
use crate::store::Place;
use crate::store::Seen;
use crate::store::StoreError;
use crate::store::WithdrawnFile;
use crate::words::{Review, Words};

use super::super::{ask, handover, output};
use super::Check;

/// Two clocks that are further apart than this are not the same.
const APART: TimeDelta = TimeDelta::seconds(2);
/// What was written so far in the future was written by a clock that was wrong.
const AHEAD: TimeDelta = TimeDelta::minutes(1);

/// Where the configuration comes from; it was read, so it is valid.
pub fn configuration(config: &Config, file: Option<&Path>) -> Check {
    let settings = config.explain();
    let changed = settings.iter().filter(|one| one.source.to_string() != "default").count();
    let from = match file {
        Some(path) => path.display().to_string(),
        None => "no file; the defaults and the environment".to_owned(),
    };
    Check::ok("configuration", format!("valid ({from}), other than the defaults: {changed}"))
}

/// The client that keys travel with can be made, which takes trusted certificates; and it reaches
/// the provider, if that may be tried.
pub async fn provider(config: &Config, profile: &Profile, live: bool) -> Vec<Check> {
    let base = config.provider.base_url.as_ref().unwrap_or(&profile.base_url);
    let limits = Limits {
        connect: config.provider.connect_timeout,
        total: config.provider.timeout,
        idle: 1,
    };
    let client = match Client::new(profile, base, limits) {
        Ok(client) => client,
        Err(error) => return vec![Check::refused("provider", &error)],
    };
    let tls = if base.scheme() == "https" {
        "trusted certificates are there"
    } else {
        "this machine, without TLS"
    };
    if !live {
        return vec![Check::ok("provider", format!("{base}: {tls}; not called without --live"))];
    }
    vec![match client.reach().await {
        Ok(status) => Check::ok("provider", format!("{base} answers ({status} without a key)")),
        Err(why) => Check::problem(
            "provider",
            format!("{base} cannot be reached: {why}"),
            "look at name resolution, firewall and certificates; try `curl -v` with this address",
        ),
    }]
}

/// The master key can be read, and by nobody else.
pub fn master_key(config: &Config) -> Check {
    match app::master_key(config) {
        Ok(master) if config.keyring.master_key.is_some() => Check::warning(
            "master key",
            format!("{} stands in the configuration itself", master.id()),
            "put it into a file of its own and name that in `keyring.master_key_file`",
        ),
        Ok(master) => Check::ok("master key", format!("{}, its owner's alone", master.id())),
        Err(error) => Check::refused("master key", error.as_ref()),
    }
}

/// The operator's own texts, where there are any.
pub fn words(config: &Config) -> Option<Check> {
    let dir = config.words.dir.as_deref()?;
    Some(match Words::review(dir) {
        Err(error) => Check::refused("texts", &error),
        Ok(reviews) if reviews.iter().all(Review::is_complete) => {
            Check::ok("texts", format!("those in {} are complete", dir.display()))
        }
        Ok(reviews) => {
            let unfinished = reviews.iter().filter(|review| !review.is_complete());
            let languages: Vec<_> = unfinished.map(|review| review.language.as_str()).collect();
            Check::warning(
                "texts",
                format!("other words are shown in places in: {}", languages.join(", ")),
                "see what is missing or has a fault with `keypulse words check`",
            )
        }
    })
}

/// Whether a daemon runs, and what is to be said of that.
pub struct Daemon {
    /// What is known of it; `None` where nothing can be.
    pub running: Option<bool>,
    /// What is said of it.
    pub check: Check,
}

/// Whether a daemon has the lock of the file.
pub fn daemon(place: &Place) -> Daemon {
    let (running, check) = match Instance::seen(place) {
        Ok(Seen::Running(holder)) => {
            let who = holder.map_or_else(|| "only just begun".to_owned(), |who| who.to_string());
            (Some(true), Check::ok("daemon", format!("running on this database ({who})")))
        }
        Ok(Seen::Nobody) => (
            Some(false),
            Check::warning(
                "daemon",
                "none runs on this database: nobody is being checked",
                "start `keypulse run`",
            ),
        ),
        Ok(Seen::Unseen) => {
            let says = "several may share this database; none is seen from here";
            (None, Check::ok("daemon", says))
        }
        Err(error) => (None, Check::refused("daemon", &error)),
    };
    Daemon { running, check }
}

/// What must never come back is noted beside the database, where it can be.
pub fn withdrawn(config: &Config, place: &Place) -> Check {
    const NAME: &str = "withdrawn";
    let Some(path) = app::withdrawn_file(config, place) else {
        return Check::warning(
            NAME,
            "keys that are disabled, tenants that are erased and tokens that are revoked are noted in \
             the database alone: a backup that is restored would bring them back",
            "name a file on another disk than the database's in `store.withdrawn_file`",
        );
    };
    match WithdrawnFile::read(&path) {
        Ok(Some(file)) if file.unreadable > 0 => Check::warning(
            NAME,
            format!("{} of {} cannot be read", file.unreadable, path.display()),
            "lines that a full disk has cut off were written again behind them; others look at",
        ),
        Ok(Some(file)) => Check::ok(
            NAME,
            format!(
                "{} in {}",
                output::many(output::whole(file.withdrawals.len() as u64), "line"),
                path.display()
            ),
        ),
        Ok(None) => Check::ok(NAME, format!("{} is made by the daemon", path.display())),
        Err(error) => Check::refused(NAME, &error),
    }
}

/// The listener's address is free for the daemon, or held by it.
pub async fn listener(config: &Config, running: Option<bool>) -> Check {
    const NAME: &str = "listener";
    let address = config.private.listen;
    let cover = match doors::check(config) {
        Ok(cover) => cover,
        Err(error) => return Check::refused(NAME, error.as_ref()),
    };
    match listener::bind("private.listen", address, &cover).await {
        Ok(_) if running == Some(true) && address.port() != 0 => Check::warning(
            NAME,
            format!("a daemon runs, but not on {address}"),
            "start it again if `private.listen` was changed",
        ),
        Ok(_) => Check::ok(NAME, format!("{address} is free")),
        Err(ListenError::Bind { source, .. }) if source.kind() == io::ErrorKind::AddrInUse => {
            let other = "stop it, or choose another address in `private.listen`";
            if config.metrics.listen.is_some() || config.private.tls.is_some() {
                // The checks are not there, or not in clear.
                return Check::ok(NAME, format!("{address} is in use, by a daemon or another"));
            }
            match ask::ask(address, "/livez").await {
                Ok(answer) if answer.status == 200 && answer.says == "ok" => match running {
                    Some(false) => Check::problem(
                        NAME,
                        format!("{address} is held by a keypulse of another database"),
                        other,
                    ),
                    Some(true) | None => Check::ok(NAME, format!("keypulse answers at {address}")),
                },
                Ok(_) | Err(_) => {
                    Check::problem(NAME, format!("{address} is held by another program"), other)
                }
            }
        }
        Err(error) => Check::refused(NAME, &error),
    }
}

/// A database that is not there yet is no problem; one that cannot be opened is.
pub fn not_opened(error: &(dyn Error + 'static)) -> Check {
    match error.downcast_ref::<StoreError>() {
        Some(StoreError::Missing(path)) => Check::warning(
            "database",
            format!("there is none yet at {}", path.display()),
            "`keypulse tenant add` and `keypulse run` make it; or correct `store.url`",
        ),
        Some(_) | None => Check::refused("database", error),
    }
}

/// The settings on which promises rest.
pub async fn settings(app: &App) -> Check {
    const NAME: &str = "durability";
    let found = match app.store.settings().await {
        Ok(found) => found,
        Err(error) => return Check::refused(NAME, &error),
    };
    let wanted: &[(&str, &str)] = match app.store.dialect() {
        Dialect::Sqlite => &[
            ("journal_mode", "wal"),
            ("synchronous", "2"),
            ("secure_delete", "1"),
            ("foreign_keys", "1"),
        ],
        Dialect::Postgres => &[("synchronous_commit", "on")],
    };
    let missed: Vec<String> = wanted
        .iter()
        .filter(|(name, value)| !found.iter().any(|one| one.0 == *name && one.1 == *value))
        .map(|(name, value)| format!("{name} is not {value}"))
        .collect();
    if missed.is_empty() {
        Check::ok(NAME, "a saved check stays saved, and what is deleted is gone")
    } else {
        let to_do = "put the database on a local disk, with nothing between that changes settings";
        Check::problem(NAME, missed.join(", "), to_do)
    }
}

/// The keyring opens with the master key. Nothing is made.
pub async fn keyring(app: &App) -> Check {
    const NAME: &str = "keyring";
    match app.store.keyring().await {
        Ok(rows) if rows.is_empty() => {
            return Check::ok(NAME, "none yet: the first tenant makes it");
        }
        Ok(_) => {}
        Err(error) => return Check::refused(NAME, &error),
    }
    match app.keyring().await {
        Ok(keyring) => {
            Check::ok(NAME, format!("opens ({} keys)", keyring.held().status().keys.len()))
        }
        Err(error) => Check::refused(NAME, error.as_ref()),
    }
}

/// The machine's clock against the server's, or against what was written.
pub async fn clock(app: &App, machine: &dyn Clock) -> Check {
    const NAME: &str = "clock";
    let (time, here) = (app.clock.now(), machine.now());
    let synchronise = "synchronise the clock of this machine (NTP)";
    if app.store.dialect() == Dialect::Postgres {
        let apart = (time - here).abs();
        let says = format!("{} ms apart from the database server's", apart.num_milliseconds());
        return if apart > APART {
            Check::warning(NAME, says + ", which is the one that counts", synchronise)
        } else {
            Check::ok(NAME, says)
        };
    }
    match app.store.latest_acceptance().await {
        Ok(Some(latest)) if latest - here > AHEAD => Check::problem(
            NAME,
            format!("{} behind what was written already", output::span(latest - here)),
            synchronise,
        ),
        Ok(_) => {
            Check::ok(NAME, format!("{}, not behind what was written", output::moment(Some(here))))
        }
        Err(error) => Check::refused(NAME, &error),
    }
}

/// Whether keys that may have leaked still have power at the provider, as far as anybody said.
pub async fn leaked(app: &App) -> Check {
    const NAME: &str = "leaked keys";
    let title = &app.profile().title;
    match app.store.count_deletions_wanted().await {
        Ok(0) => Check::ok(NAME, format!("none waits to be deleted at {title}")),
        Ok(wanted) => Check::warning(
            NAME,
            format!("not confirmed to be deleted at {title}: {wanted}"),
            "`keypulse tenant list --status disabled --cause compromised` says whose, `tenant show` \
             how; then `tenant confirm-deleted`",
        ),
        Err(error) => Check::refused(NAME, &error),
    }
}

/// Whether new keys reach the integration.
pub async fn handovers(app: &App) -> Check {
    const NAME: &str = "hand-over";
    let counted = app.store.count_handovers(handover::late_before(app)).await;
    let (count, recipient) = match (counted, app.store.recipient().await) {
        (Ok(count), Ok(recipient)) => (count, recipient),
        (Err(error), _) | (_, Err(error)) => return Check::refused(NAME, &error),
    };
    let within = TimeDelta::from_std(app.config.custody.pickup_within).unwrap_or(TimeDelta::MAX);
    let keys = |keys| output::many(keys, "key");
    match recipient {
        None => Check::warning(
            NAME,
            format!(
                "no recipient is registered: a replaced key does not reach the integration (owed: \
                 {})",
                keys(count.without_recipient)
            ),
            "`keypulse recipient add FILE --name NAME` with the integration's public key",
        ),
        Some(_) if count.without_recipient > 0 => Check::warning(
            NAME,
            format!("{} owed and not sealed", keys(count.without_recipient)),
            "the log says why a key did not open; `keypulse recipient add` with the same public key \
             tries again",
        ),
        Some(_) if count.late > 0 => Check::warning(
            NAME,
            format!("{} not picked up within {}", keys(count.late), output::span(within)),
            "`keypulse handover list` says whose; see why the integration does not fetch them",
        ),
        Some(recipient) => Check::ok(
            NAME,
            format!("sealed to {}; {} owed", recipient.name, keys(count.owed + count.fetched)),
        ),
    }
}

/// Whether those who are to be told are told.
pub async fn told(app: &App) -> Check {
    const NAME: &str = "messages";
    let (mode, labels, posted, channels) = match (
        app.store.mode().await,
        app.store.label_modes().await,
        app.store.count_posted().await,
        app.store.channels().await,
    ) {
        (Ok(mode), Ok(labels), Ok(posted), Ok(channels)) => (mode, labels, posted, channels),
        (Err(error), ..) | (_, Err(error), ..) | (.., Err(error), _) | (.., Err(error)) => {
            return Check::refused(NAME, &error);
        }
    };
    let configured = post::configured(app.config.notify.mode);
    let unknown: i64 =
        posted.iter().filter(|one| one.state == "unknown").map(|one| one.messages).sum();
    let dead: i64 = posted.iter().filter(|one| one.state == "dead").map(|one| one.messages).sum();
    let pilot = configured == Mode::Live && labels.iter().any(|one| one.mode == Mode::Live);
    let off = channels.iter().find(|one| one.active && one.off_at.is_some());
    match mode.map(|one| one.mode) {
        Some(Mode::OnCall) if pilot => {
            Check::ok(NAME, "on-call and the integration are told, and customers with a label")
        }
        Some(mode) if mode != configured => Check::warning(
            NAME,
            format!(
                "notify.mode is {} here, and {} in the database, which counts",
                configured.word(),
                mode.word()
            ),
            format!(
                "`keypulse notify mode {}` puts that in force; or correct the configuration of this \
                 machine",
                configured.word()
            ),
        ),
        _ if off.is_some() => Check::warning(
            NAME,
            format!("endpoint {} is switched off", off.map_or("", |one| one.name.as_str())),
            "`keypulse webhook list` says why; `webhook test`, then `webhook enable` and `webhook \
             replay`",
        ),
        _ if dead > 0 => Check::warning(
            NAME,
            format!("{} given up", output::many(dead, "message")),
            "`keypulse messages list --state dead`; `messages resend` or `webhook replay` owes them \
             again",
        ),
        _ if unknown > 0 => Check::warning(
            NAME,
            format!("{} may have arrived, and nobody knows", output::many(unknown, "mail")),
            "`keypulse messages list --state unknown` shows them; the next stage covers them, or \
             `messages resend ID --may-be-second`",
        ),
        Some(Mode::OnCall) => Check::ok(NAME, "on-call and the integration are told"),
        Some(Mode::Live) => Check::ok(NAME, "on-call, the integration and customers are told"),
        Some(Mode::Shadow) | None => {
            Check::ok(NAME, format!("nobody is told anything yet ({})", configured.word()))
        }
    }
}

/// Whether it can be told that the integration of a mirror uses another key.
pub async fn mirror(app: &App) -> Check {
    const NAME: &str = "mirror";
    let list = match app.store.reconciled().await {
        Ok(list) => list,
        Err(error) => return Check::refused(NAME, &error),
    };
    let asked = app.config.custody.fingerprint_url.is_some();
    let age = list.map(|list| app.clock.now() - list.pushed_at);
    let says = match age {
        Some(age) => format!("the latest list of its keys is {} old", output::span(age)),
        None => "no list of its keys was ever pushed".to_owned(),
    };
    let young = age.is_some_and(|age| age < COUNTS);
    match list.and_then(|list| list.outcomes) {
        _ if !asked && !young => Check::warning(
            NAME,
            format!("not compared with the integration: it is asked nowhere, and {says}"),
            "set `custody.fingerprint_url`, or have the integration push its list every hour \
             (`keypulse reconcile`); until then a dead key is told from a replaced one by the longer \
             bound only",
        ),
        Some(Outcomes { differs, only_here, only_there, .. })
            if young && differs + only_here + only_there > 0 =>
        {
            Check::warning(
                NAME,
                format!(
                    "{says}: {differs} keys differed, {only_here} only here, {only_there} only there"
                ),
                "`keypulse reconcile` says whose; have the integration push its keys",
            )
        }
        _ if asked => {
            Check::ok(NAME, format!("the integration is asked which key it uses; {says}"))
        }
        _ => Check::ok(NAME, says),
    }
}

/// Whether the budget carries the fleet.
pub async fn full_pass(app: &App) -> Check {
    const NAME: &str = "full pass";
    let tenants = match app.store.count_watched().await {
        Ok(tenants) => tenants,
        Err(error) => return Check::refused(NAME, &error),
    };
    let interval = app.config.policy.interval;
    let pass = app.full_pass(tenants);
    let says = format!(
        "{} at {} calls a minute: all asked in {}, wanted every {}",
        output::many(tenants.into(), "tenant"),
        app.config.budget.per_minute,
        output::span(pass),
        output::span(interval)
    );
    if pass > interval {
        let to_do = "raise `budget.per_minute` if the provider allows it, or `watch.interval`; \
                     until then a dead key is found later";
        Check::warning(NAME, says, to_do)
    } else {
        Check::ok(NAME, says)
    }
}
