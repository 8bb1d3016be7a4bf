//! The command line: what can be typed, and what is printed.

mod actor;
mod ask;
mod audit;
mod backup;
mod check;
mod completions;
mod config;
mod consent;
mod demo;
mod doctor;
mod explain;
mod glance;
mod go_live;
mod handover;
mod healthcheck;
mod import;
mod keyring;
mod mail;
mod man;
mod messages;
mod migrate;
mod mirrored;
mod notify;
mod output;
mod page;
mod recipient;
mod reconcile;
mod restore;
mod run;
mod sandbox;
mod scopes;
mod screen;
mod secret_input;
mod shadow;
mod sign;
mod status;
mod tenant;
mod token;
mod weather;
mod webhook;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::app::{self, Access, App};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::config::LogFormat;
use crate::telemetry::log;

/// Watches the API key of every customer of an integration and gets a dead one replaced before
/// the customer notices.
#[derive(Debug, Parser)]
#[command(name = "keypulse", version, max_term_width = 100, propagate_version = true)]
#[command(after_help = "Begin with `keypulse demo`: a made-up fleet, dead keys, missing \
    permissions and an outage, in two minutes. Every setting is explained by \
    `keypulse config show --defaults`.")]
pub struct Cli {
    /// Configuration file; `KEYPULSE__SECTION__KEY` in the environment is stronger.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch all tenants until told to stop.
    #[command(after_help = "SIGTERM or Ctrl-C lets the checks under way end and saves them; a \
        second one drops them; a third ends the process where it stands. On SQLite only one \
        `run` works on a file; every other command works beside it.\n\nExamples:\n  \
        keypulse --config keypulse.toml run\n  \
        KEYPULSE__WATCH__INTERVAL=5m keypulse --config keypulse.toml run")]
    Run,
    /// Show the fleet at a glance: what is wrong, and who needs a person.
    Status(status::Options),
    /// Say what is wrong with this installation, and what to do.
    Doctor(doctor::Options),
    /// Ask the running daemon whether checks are made in time; for containers.
    Healthcheck(healthcheck::Options),
    /// Watch a made-up fleet live through dead keys, missing permissions and outages.
    Demo(demo::Options),
    /// Stand in for Pleo's API, with faults on demand.
    Sandbox(sandbox::Options),
    /// Add, import, show, list, check, pause, resume and label tenants; replace their keys.
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Register whom accepted keys are sealed to on their way to the integration.
    #[command(subcommand)]
    Recipient(recipient::Command),
    /// Hand over keys to the integration: what is owed, one by one; or all of them, to leave.
    Handover(handover::Options),
    /// Make, list and revoke tokens for the private API.
    #[command(subcommand)]
    Token(token::Command),
    /// Compare the keys held here with the list of those that the integration uses (custody
    /// `mirror`).
    #[command(
        after_help = "The list is complete: what is not on it, the integration does not have. \
        It counts as a whole or, if a line of it cannot be used, not at all. Make it and give it at \
        once.\n\nExit codes: 0 all keys are the same; 3 the list is refused and nothing was changed; \
        4 it counts, and not all keys are the same; 1 anything else.\n\nExamples:\n  \
        keypulse reconcile key --out comparison.key\n  \
        keypulse reconcile --dry-run keys.csv\n  \
        list-fingerprints | keypulse reconcile -"
    )]
    Reconcile(reconcile::Options),
    /// Show whom a change of the required scopes would touch, and apply it in shares.
    #[command(subcommand)]
    Scopes(scopes::Command),
    /// Look at the customers' pages before a customer does, and change them.
    #[command(subcommand)]
    Page(page::Command),
    /// Show the mode that is in force, or put another one in force: who is told anything.
    #[command(subcommand)]
    Notify(notify::Command),
    /// Show what is believed of the provider, and what is held because of it; say otherwise.
    #[command(subcommand)]
    Weather(weather::Command),
    /// Say why a tenant is as it is: what was seen, decided and told, and what was not told and why.
    Explain(explain::Options),
    /// Begin to write to customers, of what is open and looked at.
    GoLive(go_live::Options),
    /// Look at what would have been sent, had anybody been told.
    #[command(subcommand)]
    Shadow(shadow::Command),
    /// Look at mails before a customer does, try the relay, hold all mail.
    #[command(subcommand)]
    Mail(mail::Command),
    /// Look at what is owed to on-call, the integration and customers; owe again what did not arrive.
    #[command(subcommand)]
    Messages(messages::Command),
    /// Try, list and switch on the endpoints of the integration; make the secret for them.
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Check and show the configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// Say what the texts of further languages lack.
    #[command(subcommand)]
    Words(words::Command),
    /// Write the whole database into one file, beside the running daemon, without the master key.
    Backup(backup::Options),
    /// Put a backup in the place of the database; nobody is written to before everybody was asked.
    Restore(restore::Options),
    /// Change the schema of the database.
    #[command(subcommand)]
    Migrate(migrate::Command),
    /// Make a master key; show the keyring, rotate it, exchange the master key.
    #[command(subcommand)]
    Keyring(keyring::Command),
    /// Check the audit chain, show it, and review what happened to one tenant.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Print the completions of a shell.
    Completions(completions::Options),
    /// Write the man pages, one for each command.
    Man(man::Options),
}

impl Cli {
    /// What was typed; prints help or a usage error and ends the process where that is the answer.
    pub fn typed() -> Self {
        Self::parse()
    }

    /// Runs the command that was typed.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::Run => Box::pin(run::run(self.load()?)).await,
            Command::Status(options) => {
                status::run(options, self.opened(Access::Look).await?).await
            }
            Command::Doctor(options) => doctor::run(options, self.config.as_deref()).await,
            Command::Healthcheck(options) => healthcheck::run(options, &self.load()?).await,
            Command::Demo(options) => Box::pin(demo::run(options)).await,
            Command::Sandbox(options) => sandbox::run(options).await,
            Command::Tenant(command) => {
                let app = self.opened(tenant::access(command)).await?;
                let app = if tenant::is_chained(command) { app.audited().await? } else { app };
                Box::pin(tenant::run(command, app)).await
            }
            Command::Recipient(command) => {
                let app = self.opened(recipient::access(command)).await?;
                recipient::run(command, app).await
            }
            Command::Handover(options) => {
                handover::run(options, self.opened(Access::Look).await?).await
            }
            Command::Token(command) => token::run(command, self.opened(Access::Look).await?).await,
            Command::Reconcile(options) => {
                let app = self.opened(Access::Look).await?;
                reconcile::run(options, app.audited().await?).await
            }
            Command::Scopes(command) => {
                let app = self.opened(Access::Look).await?;
                let app = if scopes::is_chained(command) { app.audited().await? } else { app };
                scopes::run(command, app).await
            }
            Command::Page(command) => page::run(command, &self.load()?),
            Command::Notify(command) => {
                let app = self.opened(Access::Look).await?;
                let app = if notify::is_chained(command) { app.audited().await? } else { app };
                notify::run(command, app).await
            }
            Command::Explain(options) => {
                explain::run(options, self.opened(Access::Look).await?).await
            }
            Command::GoLive(options) => {
                let app = self.opened(Access::Look).await?.audited().await?;
                go_live::run(options, app).await
            }
            Command::Shadow(command) => {
                shadow::run(command, self.opened(Access::Look).await?).await
            }
            Command::Mail(command) if mail::needs_store(command) => {
                let app = self.opened(Access::Look).await?;
                let app = if mail::is_chained(command) { app.audited().await? } else { app };
                mail::run(command, app).await
            }
            Command::Mail(command) => {
                let config = self.load()?;
                quiet_log(&config)?;
                mail::apart(command, &config).await
            }
            Command::Weather(command) => {
                let app = self.opened(Access::Look).await?;
                let app = if weather::is_chained(command) { app.audited().await? } else { app };
                weather::run(command, app).await
            }
            Command::Messages(command) => {
                let app = self.opened(Access::Look).await?;
                let app = if messages::is_chained(command) { app.audited().await? } else { app };
                messages::run(command, app).await
            }
            Command::Webhook(webhook::Command::Secret { out }) => webhook::secret(out),
            Command::Webhook(command) => {
                let app = self.opened(Access::Look).await?;
                let app = if webhook::is_chained(command) { app.audited().await? } else { app };
                webhook::run(command, app).await
            }
            Command::Config(command) => {
                Box::pin(config::run(command, self.config.as_deref())).await
            }
            Command::Words(command) => words::run(command, self.config.as_deref()),
            Command::Backup(options) => {
                Box::pin(backup::run(options, self.config.as_deref())).await
            }
            Command::Restore(options) => {
                Box::pin(restore::run(options, self.config.as_deref())).await
            }
            Command::Migrate(command) => migrate::run(command, &self.load()?).await,
            Command::Keyring(command) => {
                Box::pin(keyring::run(command, self.config.as_deref())).await
            }
            Command::Audit(command) => {
                let config = self.load()?;
                quiet_log(&config)?;
                let clock = Arc::new(SystemClock::default());
                audit::run(command, App::open(config, Access::Look, clock).await?).await
            }
            Command::Completions(options) => completions::run(options),
            Command::Man(options) => man::run(options),
        }
    }

    /// The store of the configuration, for a command that prints its answer itself.
    async fn opened(&self, access: Access) -> anyhow::Result<App> {
        let config = self.load()?;
        quiet_log(&config)?;
        if access == Access::Make {
            // Before a database is made that could not be used.
            app::master_key(&config)?;
        }
        let app = App::open(config, access, Arc::new(SystemClock::default())).await?;
        Ok(app.acting_as(actor::command()))
    }

    fn load(&self) -> anyhow::Result<Config> {
        load(self.config.as_deref())
    }
}

/// Reads the configuration from the file that was named and from the environment.
fn load(file: Option<&std::path::Path>) -> anyhow::Result<Config> {
    Ok(Config::load(file, std::env::vars_os())?)
}

/// Log lines for a command that prints its answer itself: warnings only, unless asked for more.
fn quiet_log(config: &Config) -> anyhow::Result<()> {
    let wanted = rust_log().unwrap_or_else(|| "warn".to_owned());
    log::init(form(config), Some(&wanted)).context("log lines cannot be written")
}

fn form(config: &Config) -> log::Form {
    match config.log.format {
        LogFormat::Auto => log::Form::Auto,
        LogFormat::Pretty => log::Form::Pretty,
        LogFormat::Json => log::Form::Json,
    }
}

fn rust_log() -> Option<String> {
    std::env::var_os("RUST_LOG").and_then(|text| text.into_string().ok())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_takes_a_key_as_an_argument() {
        fn arguments(command: &clap::Command, found: &mut Vec<String>) {
            found.extend(command.get_arguments().map(|one| one.get_id().to_string()));
            for command in command.get_subcommands() {
                arguments(command, found);
            }
        }
        let mut found = Vec::new();
        arguments(&Cli::command(), &mut found);
        assert!(found.contains(&"key_file".to_owned()), "{found:?}");
        for forbidden in ["key", "api_key", "master_key", "secret", "password"] {
            assert!(!found.contains(&forbidden.to_owned()), "{found:?}");
        }
    }
}
