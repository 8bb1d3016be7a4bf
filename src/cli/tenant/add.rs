//! `keypulse tenant add`: one tenant with its key. Where nobody has said which company the key belongs
//! to, a person confirms the one that the provider names before anything is stored.

use std::io::{IsTerminal, stdin};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::app::{App, TenantRequest};
use crate::cli::{consent, output, secret_input};
use crate::config::CustodyMode;
use crate::custody::KeyRef;
use crate::given;
use crate::health::CompanyId;
use crate::ids::TenantRef;
use crate::provider::Names;
use crate::provider::Refusal;
use crate::provider::format;
use crate::shutdown::Shutdown;
use crate::store::KeyKind;
use crate::store::StoreError;
use crate::task::Origin;
use crate::task::Whose;
use crate::telemetry::Metrics;
use crate::words::Words;

use super::replace::code_of;
use super::show::{describe, found};

/// The exit code when the company has to be confirmed, and nobody can be asked.
const TO_CONFIRM: u8 = 5;

/// What is known of the tenant.
#[derive(Debug, Args)]
pub struct Options {
    /// Your own name for the tenant, such as erp-483.
    #[arg(value_name = "REF")]
    reference: String,
    /// The provider's id of the company that the key must belong to; the provider is asked where
    /// none is given.
    #[arg(long, value_name = "ID")]
    company: Option<String>,
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
}

/// The kinds of keys, as they are typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Made by the provider for one installation.
    Integrated,
    /// Made by the customer, with an expiry date.
    Standalone,
}

/// What is known of whose the key is.
enum Owner {
    Company(CompanyId),
    /// Nothing is added.
    Unclear(ExitCode),
}

/// Adds the tenant, or says why not.
pub async fn run(options: &Options, app: &App) -> anyhow::Result<ExitCode> {
    // Everything that can be refused is refused before a key is asked for.
    let reference = TenantRef::parse(&options.reference)?;
    let company = options.company.as_deref().map(|company| {
        CompanyId::parse(company)
            .context("`--company` must be the provider's id, made of letters, digits and `-`")
    });
    let company = company.transpose()?;
    let name = options.name.clone().unwrap_or_else(|| reference.to_string());
    if name.trim().is_empty() || name.chars().count() > given::MAX_NAME {
        bail!("`--name` must have 1 to {} characters", given::MAX_NAME);
    }
    if app.store.tenant(reference.as_str()).await?.is_some() {
        return Err(StoreError::RefTaken(reference.to_string()).into());
    }
    if options.hand_over {
        super::no_hand_over(app)?;
    }
    let at = place(app, options.key_ref.as_deref())?;
    let keyring = app.keyring().await?;
    let pasted = match &at {
        Some(at) => {
            let lying = Box::pin(app.places().read(at)).await;
            lying.with_context(|| format!("the key cannot be read at {at}"))?.text
        }
        None => secret_input::read(options.key_file.as_deref())?,
    };
    let formed = format::judge(&pasted, &app.profile().key.prefixes)?;
    let company = match company {
        Some(company) => company,
        None => match confirmed(options, app, &pasted, &name).await? {
            Owner::Company(company) => company,
            Owner::Unclear(code) => return Ok(code),
        },
    };
    drop(pasted);
    let request = TenantRequest {
        reference,
        name,
        company,
        kind: match options.kind {
            Kind::Integrated => KeyKind::Integrated,
            Kind::Standalone => KeyKind::Standalone,
        },
        expires_at: options.expires_at,
        key: formed.key,
        key_ref: at,
    };
    let origin = if options.hand_over { Origin::Operator } else { Origin::Integration };
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
    if options.json {
        output::document(&describe(app, &view)?)?;
    } else {
        output::line(&format!(
            "added {0}, key {1}: pending until {2} accepts the key for company {3}; \
             `keypulse tenant check {0}` asks now",
            view.reference,
            view.masked.as_deref().unwrap_or("…"),
            app.profile().title,
            view.company
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the key of a new tenant lies, if it is not to lie here.
fn place(app: &App, key_ref: Option<&str>) -> anyhow::Result<Option<KeyRef>> {
    match (app.config.custody.mode, key_ref) {
        (CustodyMode::Keeper | CustodyMode::Mirror, None) => Ok(None),
        (CustodyMode::Keeper | CustodyMode::Mirror, Some(_)) => bail!(
            "`--key-ref` is for `custody.mode = \"reference\"`: here the keys do not lie elsewhere"
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

/// Asks the provider whose the key is, and a person whether that is meant.
async fn confirmed(
    options: &Options,
    app: &App,
    pasted: &str,
    name: &str,
) -> anyhow::Result<Owner> {
    let checker = app.checker(app.keyring().await?, Metrics::new()?)?;
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    let (company, known) = match checker.whose(pasted, &app.required_scopes(), &shutdown).await? {
        Whose::Company { company, name, .. } => (company, name),
        Whose::Refused(refusal) => return refused(options, app, &refusal, name),
    };
    let title = &app.profile().title;
    if options.json {
        output::document(&json!({
            "type": "company-to-confirm",
            "company_id": company.as_str(),
            "company_name": known,
        }))?;
        return Ok(Owner::Unclear(ExitCode::from(TO_CONFIRM)));
    }
    output::hint(&format!(
        "{title} says that this key belongs to company {company}{}. Nothing is stored yet.",
        known.map(|name| format!(", {}", output::printable(&name))).unwrap_or_default()
    ))?;
    if !stdin().is_terminal() {
        output::hint(&format!(
            "If that is {}, give the key again with `--company {company}`.",
            output::printable(name)
        ))?;
        return Ok(Owner::Unclear(ExitCode::from(TO_CONFIRM)));
    }
    let typed =
        consent::typed(&format!("Type the company's id to connect it to {}:", options.reference))?;
    if CompanyId::parse(&typed).as_ref() != Some(&company) {
        bail!("nothing was added");
    }
    Ok(Owner::Company(company))
}

fn refused(options: &Options, app: &App, refusal: &Refusal, name: &str) -> anyhow::Result<Owner> {
    let profile = app.profile();
    let customer = output::printable(name);
    let names = Names {
        provider: &profile.title,
        place: profile.key.place.as_deref(),
        prefixes: &profile.key.prefixes,
        customer: &customer,
        company: "",
    };
    let english = Words::built_in().choose(None, None);
    let told = refusal.tell(&names, &|id, args| english.say_texts(id, args));
    if options.json {
        output::document(&json!({
            "type": refusal.name(),
            "customer_message": told.customer_message,
            "next_step": told.next_step,
        }))?;
    } else {
        output::hint(&format!(
            "{} ({}): {}\n{}",
            options.reference,
            refusal.name(),
            told.customer_message,
            told.next_step
        ))?;
    }
    Ok(Owner::Unclear(code_of(refusal)))
}
