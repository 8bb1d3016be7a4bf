//! `keypulse token`: who may use the private API.

use std::process::ExitCode;

use anyhow::bail;
use chrono::TimeDelta;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use crate::app::App;
use crate::given;
use crate::http::api::role::Role;
use crate::store::KeptToken;
use crate::store::NewToken;
use crate::vault::Token;

use super::output;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a token for the private API and print it, this once.
    #[command(after_help = "docs/API.md says which role may do what. The token is kept as a hash \
        only: it cannot be shown again.\n\nExamples:\n  \
        keypulse token new --role integration --name erp-backend\n  \
        keypulse token new --role reader --name report --expires 7d > token.txt")]
    New {
        /// What whoever holds it may do.
        #[arg(long, value_parser = PossibleValuesParser::new(Role::WORDS))]
        role: String,
        /// What people call it: who holds it, and for what.
        #[arg(long, value_parser = given::name)]
        name: String,
        /// How long it is taken: 12h, 90d; 366 days at most.
        #[arg(long, value_name = "DURATION", default_value = "90d", value_parser = given::span)]
        expires: TimeDelta,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// List the tokens there are, never the secrets.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Take a token no more, from this moment on.
    Revoke {
        /// Its id, as `token list` shows it.
        #[arg(value_name = "ID")]
        id: String,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::New { role, name, expires, json } => new(&app, role, name, *expires, *json).await,
        Command::List { json } => list(&app, *json).await,
        Command::Revoke { id, json } => revoke(&app, id, *json).await,
    };
    app.store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn new(
    app: &App,
    role: &str,
    name: &str,
    expires: TimeDelta,
    json: bool,
) -> anyhow::Result<()> {
    let token = Token::draw()?;
    let (hash, now) = (token.hash(), app.clock.now());
    let new = NewToken {
        id: hash.id(),
        hash: hash.as_bytes().to_vec(),
        role: role.to_owned(),
        name: name.to_owned(),
        expires_at: now + expires,
    };
    // Who may do what is written into the audit chain.
    let store = app.keyring().await?.audit(&app.store);
    store.add_token(&new, now).await?;
    if json {
        return output::document(&json!({
            "id": new.id,
            "token": token.shown_once(),
            "role": new.role,
            "name": new.name,
            "expires_at": new.expires_at,
        }));
    }
    output::line(token.shown_once())?;
    output::hint(&format!(
        "token {} for {role}, until {}. It is not shown again: keep it where secrets are kept.",
        new.id,
        output::moment(Some(new.expires_at))
    ))
}

async fn list(app: &App, json: bool) -> anyhow::Result<()> {
    let (tokens, now) = (app.store.tokens().await?, app.clock.now());
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["ID", "ROLE", "NAME", "STATE", "EXPIRES", "USED"]);
    for token in &tokens {
        let state = state(token, now);
        if json {
            output::json(&describe(token, state))?;
        } else {
            table.add_row([
                token.id.clone(),
                token.role.clone(),
                output::printable(&token.name),
                state.to_owned(),
                output::moment(token.expires_at),
                token.used_at.map_or_else(|| "never".to_owned(), |at| output::moment(Some(at))),
            ]);
        }
    }
    match (json, tokens.is_empty()) {
        (true, _) => Ok(()),
        (false, true) => output::line(
            "no tokens yet: make one with `keypulse token new --role ROLE --name NAME`",
        ),
        (false, false) => output::line(&table.to_string()),
    }
}

async fn revoke(app: &App, id: &str, json: bool) -> anyhow::Result<()> {
    let store = app.keyring().await?.audit(&app.store);
    let Some(news) = store.revoke_token(id, app.clock.now()).await? else {
        bail!("there is no token `{}`: see `keypulse token list`", output::printable(id));
    };
    if json {
        let token = app.store.token(id).await?;
        let token = token.map(|token| describe(&token, state(&token, app.clock.now())));
        return output::document(&token);
    }
    output::line(&if news {
        format!("{id} is not taken any more, by no keypulse on this database")
    } else {
        format!("{id} was revoked already; nothing has changed")
    })
}

fn state(token: &KeptToken, now: chrono::DateTime<chrono::Utc>) -> &'static str {
    if token.revoked_at.is_some() {
        "revoked"
    } else if token.is_good(now) {
        "good"
    } else {
        "expired"
    }
}

fn describe(token: &KeptToken, state: &str) -> serde_json::Value {
    json!({
        "id": token.id,
        "role": token.role,
        "name": token.name,
        "state": state,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "used_at": token.used_at,
    })
}
