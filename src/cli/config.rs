//! `keypulse config`

mod live;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use crate::app::{self, doors, mailer, oncall};
use crate::config::Config;
use crate::provider::Profile;

use super::check::{self, Check};
use super::output;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say whether the configuration can be used.
    #[command(after_help = "With --live: signs in at the mail relay without sending, asks each \
        Alertmanager for its status and each pager, chat and webhook endpoint whether somebody is there \
        (HEAD, never an event). Exit code 0: no problem. Exit code 1: at least one.\n\nExample:\n  \
        keypulse --config keypulse.toml config check --live")]
    Check {
        /// Also try every channel that is configured, without telling anybody anything.
        #[arg(long)]
        live: bool,
        /// As one JSON document.
        #[arg(long, requires = "live")]
        json: bool,
    },
    /// Show every setting, its value, and where it comes from.
    Show {
        /// As one JSON document.
        #[arg(long)]
        json: bool,
        /// Show the defaults with their explanations instead: the manual of all settings.
        #[arg(long, conflicts_with = "json")]
        defaults: bool,
    },
}

/// Checks or shows.
pub async fn run(command: &Command, file: Option<&Path>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check { live: true, json } => {
            let config = super::load(file)?;
            super::quiet_log(&config)?;
            let profile = checked(&config)?;
            let valid = format!("valid; keys of {} are checked", profile.title);
            let mut checks = vec![Check::ok("configuration", valid)];
            checks.extend(live::channels(&config).await);
            return check::report(&checks, *json);
        }
        Command::Check { live: false, .. } => {
            let config = super::load(file)?;
            let profile = checked(&config)?;
            let base = config.provider.base_url.as_ref().unwrap_or(&profile.base_url);
            let master =
                config.keyring.master_key.is_some() || config.keyring.master_key_file.is_some();
            if master {
                app::master_key(&config)?;
            }
            output::line(&format!(
                "the configuration is valid: keys of {} are checked at {base}",
                profile.title
            ))?;
            if app::withdrawn_file(&config, &app::place(&config)?).is_none() {
                output::line(
                    "but what is taken out of use is noted in the database alone, and a backup that is \
                     restored would bring it back: name a file in `store.withdrawn_file`",
                )?;
            }
            if !master {
                output::line(
                    "but there is no master key yet: make one with `keypulse keyring new --out \
                     FILE` and name it in `keyring.master_key_file`",
                )?;
            }
        }
        Command::Show { defaults: true, .. } => {
            output::line(Config::defaults_text().trim_end())?;
        }
        Command::Show { json: true, .. } => output::document(&super::load(file)?.explain())?,
        Command::Show { .. } => {
            for setting in super::load(file)?.explain() {
                let value = match &setting.value {
                    serde_json::Value::Null => "(not set)".to_owned(),
                    value => value.to_string(),
                };
                let named = format!("{} = {value}", setting.key);
                output::line(&format!("{named:<58} # {}", setting.source))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What can be found out of a configuration without asking anybody.
fn checked(config: &Config) -> anyhow::Result<Profile> {
    let profile = Profile::load(&config.provider.profile)?;
    app::place(config)?;
    doors::check(config)?;
    app::words(config)?;
    mailer::of(config)?;
    oncall::hooks(config)?;
    Ok(profile)
}
