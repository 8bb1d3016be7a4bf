//! `keypulse tenant`

mod care;
mod check;
mod replace;
mod show;
mod withdraw;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Subcommand, ValueEnum};

use crate::app::{Access, App, TenantRequest};
use crate::config::CustodyMode;
use crate::custody::KeyRef;
use crate::given;
use crate::health::CompanyId;
use crate::ids::TenantRef;
use crate::provider::format;
use crate::store::KeyKind;
use crate::store::StoreError;
use crate::task::Origin;

use super::{import, output, secret_input};
use show::describe;
pub use show::found;

/// What to do with tenants.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a tenant. Its key is read from standard input, or from a file.
    #[command(after_help = "Examples:\n  \
        keypulse tenant add erp-483 --company 0b7c…  (asks for the key, does not show it)\n  \
        keypulse tenant add erp-483 --company 0b7c… < key.txt")]
    Add {
        /// Your own name for the tenant, such as erp-483.
        #[arg(value_name = "REF")]
        reference: String,
        /// The provider's id of the company that the key must belong to.
        #[arg(long, value_name = "ID")]
        company: String,
        /// The name that people know; the reference where none is given.
        #[arg(long)]
        name: Option<String>,
        /// Which kind of key.
        #[arg(long, value_enum, default_value_t = Kind::Integrated)]
        kind: Kind,
        /// When the key expires, as 2027-01-31 (its end, UTC) or RFC 3339; the provider never
        /// tells.
        #[arg(long, value_name = "DATE", value_parser = given::moment)]
        expires_at: Option<DateTime<Utc>>,
        /// Read the key from a file that only its owner can read.
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// Where the key lies and goes on lying: `env:NAME`, `file:PATH` or `aws-sm:ARN#FIELD`. For
        /// `custody.mode = "reference"`, instead of the key itself.
        #[arg(long, value_name = "PLACE", conflicts_with_all = ["key_file", "hand_over"])]
        key_ref: Option<String>,
        /// The integration does not have this key: hand it over once it is accepted.
        #[arg(long)]
        hand_over: bool,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Replace the key of a tenant, whatever its status. The new key is tried first; one that is not
    /// taken changes nothing. It is read from standard input, or from a file.
    #[command(
        after_help = "Exit codes: 0 the key is accepted; 3 it is refused; 4 it could not be \
        tested now, try again; 1 anything else. Unless it is 0, nothing has changed.\n\n\
        Examples:\n  \
        keypulse tenant replace erp-483  (asks for the key, does not show it)\n  \
        keypulse tenant replace erp-483 --json < key.txt"
    )]
    Replace(replace::Options),
    /// Show one tenant.
    Show {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Add many tenants from CSV or JSON Lines, or bring what is known of them up to date.
    #[command(after_help = "See docs/IMPORT.md for the columns. The same file can be given again \
        and again: what stands there already stays as it is.")]
    Import(import::Options),
    /// List tenants in the order of their references.
    List(show::Filter),
    /// Stop asking about a tenant, until a time or until it is resumed. Nobody is told of it
    /// meanwhile.
    Pause {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// When to go on: 2027-01-31 (its end, UTC) or RFC 3339.
        #[arg(long, value_name = "TIME", value_parser = given::moment)]
        until: Option<DateTime<Utc>>,
        /// How long to stop: 90m, 12h, 3d.
        #[arg(long = "for", value_name = "DURATION", value_parser = given::span,
            conflicts_with = "until")]
        span: Option<TimeDelta>,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Go on asking about a tenant that was paused; it is asked at once.
    Resume {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Stop using the key of a tenant at once, because it may have leaked.
    ///
    /// Within 5 seconds no keypulse on this database starts a call with it, and calls under way are
    /// dropped. The stored key is destroyed, and never accepted again, for no tenant. There is no
    /// way back: the tenant stays disabled until it has a new key. Only deleting the key at the
    /// provider ends its power; that stays an open point until `tenant confirm-deleted`.
    Disable {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// The key may have leaked. The only reason there is.
        #[arg(long, required = true)]
        compromised: bool,
        /// What happened, in a few words. Never the key.
        #[arg(long, value_name = "TEXT", value_parser = given::remark)]
        reason: Option<String>,
        /// Do not ask whether it is meant.
        #[arg(long)]
        yes: bool,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Note that somebody has deleted the withdrawn keys of a tenant at the provider. keypulse
    /// cannot see that by itself.
    ConfirmDeleted {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Set or remove labels of a tenant.
    Label {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// Labels to set: name=value, or a bare name.
        #[arg(value_name = "NAME=VALUE", value_parser = given::label,
            required_unless_present = "remove")]
        set: Vec<(String, String)>,
        /// The name of a label to remove; may be given several times.
        #[arg(long, value_name = "NAME")]
        remove: Vec<String>,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Ask the provider about one tenant now. It counts like any other check.
    Check {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// The kinds of keys, as they are typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// Made by the provider for one installation.
    Integrated,
    /// Made by the customer, with an expiry date.
    Standalone,
}

/// Only adding the first tenants may make a database.
pub fn access(command: &Command) -> Access {
    match command {
        // A rehearsal writes nothing, so it makes nothing.
        Command::Import(options) if options.dry_run => Access::Look,
        Command::Add { .. } | Command::Import(_) => Access::Make,
        Command::Show { .. }
        | Command::List(_)
        | Command::Pause { .. }
        | Command::Resume { .. }
        | Command::Disable { .. }
        | Command::ConfirmDeleted { .. }
        | Command::Label { .. }
        | Command::Replace(_)
        | Command::Check { .. } => Access::Look,
    }
}

/// Whether the command changes what the audit chain tells of, without opening the keyring by itself.
pub fn is_chained(command: &Command) -> bool {
    match command {
        Command::Pause { .. }
        | Command::Resume { .. }
        | Command::Disable { .. }
        | Command::ConfirmDeleted { .. }
        | Command::Label { .. } => true,
        Command::Add { .. }
        | Command::Import(_)
        | Command::Replace(_)
        | Command::Check { .. }
        | Command::Show { .. }
        | Command::List(_) => false,
    }
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let code = dispatch(command, &app).await;
    app.store.close().await?;
    code
}

async fn dispatch(command: &Command, app: &App) -> anyhow::Result<ExitCode> {
    match command {
        Command::Add { .. } => add(command, app).await?,
        Command::Import(options) => return import::run(options, app).await,
        Command::Replace(options) => return replace::run(options, app).await,
        Command::Show { reference, json } => show::show(app, reference, *json).await?,
        Command::List(filter) => show::list(app, filter).await?,
        Command::Pause { reference, until, span, json } => {
            care::pause(app, reference, *until, *span, *json).await?;
        }
        Command::Resume { reference, json } => care::resume(app, reference, *json).await?,
        Command::Disable { reference, compromised: _, reason, yes, json } => {
            withdraw::disable(app, reference, reason.as_deref(), *yes, *json).await?;
        }
        Command::ConfirmDeleted { reference, json } => {
            withdraw::confirm_deleted(app, reference, *json).await?;
        }
        Command::Label { reference, set, remove, json } => {
            care::label(app, reference, set, remove, *json).await?;
        }
        Command::Check { reference, json } => check::run(app, reference, *json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(command: &Command, app: &App) -> anyhow::Result<()> {
    let Command::Add {
        reference,
        company,
        name,
        kind,
        expires_at,
        key_file,
        key_ref,
        hand_over,
        json,
    } = command
    else {
        return Ok(());
    };
    // Everything that can be refused is refused before a key is asked for.
    let reference = TenantRef::parse(reference)?;
    let company = CompanyId::parse(company)
        .context("`--company` must be the provider's id, made of letters, digits and `-`")?;
    let name = name.clone().unwrap_or_else(|| reference.to_string());
    if name.trim().is_empty() || name.chars().count() > given::MAX_NAME {
        bail!("`--name` must have 1 to {} characters", given::MAX_NAME);
    }
    if app.store.tenant(reference.as_str()).await?.is_some() {
        return Err(StoreError::RefTaken(reference.to_string()).into());
    }
    let at = place(app, key_ref.as_deref())?;
    let keyring = app.keyring().await?;
    let pasted = match &at {
        Some(at) => {
            let lying = Box::pin(app.places().read(at)).await;
            lying.with_context(|| format!("the key cannot be read at {at}"))?.text
        }
        None => secret_input::read(key_file.as_deref())?,
    };
    let formed = format::judge(&pasted, &app.profile().key.prefixes)?;
    let request = TenantRequest {
        reference,
        name,
        company,
        kind: match kind {
            Kind::Integrated => KeyKind::Integrated,
            Kind::Standalone => KeyKind::Standalone,
        },
        expires_at: *expires_at,
        key: formed.key,
        key_ref: at,
    };
    let origin = if *hand_over { Origin::Operator } else { Origin::Integration };
    app.add_tenant_from(&keyring, &request, origin).await?;
    // What is known of the form is known of Standalone keys only.
    if formed.unusual && request.kind == KeyKind::Standalone {
        output::hint(&format!(
            "note: Standalone keys of {} usually begin with {}; this one is tried all the same",
            app.profile().title,
            app.profile().key.prefixes.join(" or ")
        ))?;
    }
    let view = found(app, request.reference.as_str()).await?;
    if *json {
        output::document(&describe(app, &view)?)
    } else {
        output::line(&format!(
            "added {0}, key {1}: pending until {2} accepts the key for company {3}; \
             `keypulse tenant check {0}` asks now",
            view.reference,
            view.masked.as_deref().unwrap_or("…"),
            app.profile().title,
            view.company
        ))
    }
}

/// Where the key of a new tenant lies, if it is not to lie here.
fn place(app: &App, key_ref: Option<&str>) -> anyhow::Result<Option<KeyRef>> {
    match (app.config.custody.mode, key_ref) {
        (CustodyMode::Keeper, None) => Ok(None),
        (CustodyMode::Keeper, Some(_)) => bail!(
            "`--key-ref` is for `custody.mode = \"reference\"`: here keypulse keeps the keys itself"
        ),
        (CustodyMode::Reference, Some(text)) => {
            Ok(Some(KeyRef::parse(text).context("`--key-ref` names no place")?))
        }
        (CustodyMode::Reference, None) => bail!(
            "`custody.mode` is `reference`: say with `--key-ref` where the key lies; it is not \
             taken here"
        ),
    }
}
