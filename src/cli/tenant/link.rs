//! `keypulse tenant link` and `tenant invite`: the links by which customers give a key.

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::app::App;
use crate::cli::output;
use crate::config::CustodyMode;
use crate::given;
use crate::health::CompanyId;
use crate::http::public::invitation::Invitation;
use crate::ids::TenantRef;
use crate::store::Care;
use crate::store::Contact;
use crate::store::KeptLink;
use crate::store::KeyKind;
use crate::store::StoreError;
use crate::task::Invited;
use crate::task::Links;
use crate::task::MadeLink;

use super::show::found;

/// Who is given a link that is printed here.
pub const SUPPORT: &str = "support";

/// Whose link, and what to do with it.
#[derive(Debug, Args)]
pub struct LinkOptions {
    /// Your own name for the tenant.
    #[arg(value_name = "REF", required_unless_present = "find")]
    reference: Option<String>,
    /// Show the links that there are instead of making one. The links themselves are kept nowhere.
    #[arg(long, conflicts_with_all = ["revoke", "find"])]
    list: bool,
    /// Take back all links of the tenant that still lead to its page.
    #[arg(long, conflicts_with = "find")]
    revoke: bool,
    /// Say whose link it is that has this reference: the eight digits at the foot of the page.
    #[arg(long, value_name = "DIGITS", conflicts_with = "reference")]
    find: Option<String>,
    /// As one JSON document.
    #[arg(long)]
    json: bool,
}

/// Who is invited.
#[derive(Debug, Args)]
pub struct InviteOptions {
    /// Your own name for the tenant that is to be, such as erp-483.
    #[arg(value_name = "REF")]
    reference: String,
    /// The name that people know.
    #[arg(long)]
    name: Option<String>,
    /// The provider's id of the company that the key must belong to. Where none is given, the customer
    /// is shown the company of the key and has to confirm it.
    #[arg(long, value_name = "ID")]
    company: Option<String>,
    /// Which kind of key is asked for.
    #[arg(long, value_enum, default_value_t = Kind::Integrated)]
    kind: Kind,
    /// Whom to write to about this tenant later.
    #[arg(long, value_name = "ADDRESS", value_parser = given::address)]
    contact: Option<String>,
    /// The language of the page, such as da-DK; the browser's where none is given.
    #[arg(long, value_parser = given::locale)]
    locale: Option<String>,
    /// The customer's time zone, such as Europe/Copenhagen.
    #[arg(long, value_parser = given::time_zone)]
    time_zone: Option<String>,
    /// Take back the invitations for this reference instead.
    #[arg(long)]
    revoke: bool,
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

/// Makes, lists, takes back or finds links of a tenant.
pub async fn link(options: &LinkOptions, app: &App) -> anyhow::Result<()> {
    if let Some(digits) = &options.find {
        return find(app, digits, options.json).await;
    }
    let reference = options.reference.as_deref().unwrap_or_default();
    let view = found(app, reference).await?;
    let now = app.clock.now();
    if options.list {
        return list(app, &app.store.links_of(view.id).await?, options.json);
    }
    if options.revoke {
        let keyring = app.keyring().await?;
        let revoked = keyring.audit(&app.store).revoke_links(view.id, now).await?;
        return said_of_revoked(revoked, reference, options.json);
    }
    let links = links(app)?;
    let keyring = app.keyring().await?;
    let store = keyring.audit(&app.store);
    let made = links.make(&keyring.held(), &store, &view, SUPPORT).await?;
    told(&made, options.json)
}

/// Invites somebody who is no tenant yet, or takes that back.
pub async fn invite(options: &InviteOptions, app: &App) -> anyhow::Result<()> {
    let reference = TenantRef::parse(&options.reference)?;
    let now = app.clock.now();
    if options.revoke {
        let keyring = app.keyring().await?;
        let store = keyring.audit(&app.store);
        let revoked = store.revoke_invitations(reference.as_str(), now).await?;
        return said_of_revoked(revoked, reference.as_str(), options.json);
    }
    let links = links(app)?;
    if app.config.custody.mode == CustodyMode::Reference {
        bail!(
            "with custody `reference` a new tenant needs a place for its key first: \
             `keypulse tenant add {reference} --key-ref PLACE`"
        );
    }
    if app.store.tenant(reference.as_str()).await?.is_some() {
        let taken = StoreError::RefTaken(reference.to_string());
        return Err(anyhow::Error::from(taken)
            .context(format!("`keypulse tenant link {reference}` makes a link for it")));
    }
    let company = options.company.as_deref().map(|company| {
        CompanyId::parse(company)
            .context("`--company` must be the provider's id, made of letters, digits and `-`")
    });
    let name = options.name.clone().unwrap_or_else(|| reference.to_string());
    let name = given::name(&name).map_err(|why| anyhow::anyhow!("`--name` {why}"))?;
    let contact = options.contact.clone();
    let invitation = Invitation {
        name,
        company: company.transpose()?,
        kind: match options.kind {
            Kind::Integrated => KeyKind::Integrated,
            Kind::Standalone => KeyKind::Standalone,
        },
        care: Care {
            contact: contact.map(|address| Contact { address, role: "primary".to_owned() }),
            locale: options.locale.clone(),
            time_zone: options.time_zone.clone(),
            ..Care::default()
        },
        reference,
    };
    let keyring = app.keyring().await?;
    let store = keyring.audit(&app.store);
    let invited = Invited {
        reference: invitation.reference.as_str().to_owned(),
        wanted: invitation.written(),
    };
    let made = links.invite(&keyring.held(), &store, invited, SUPPORT).await?;
    told(&made, options.json)
}

fn links(app: &App) -> anyhow::Result<Links> {
    if app.config.custody.mode == CustodyMode::Mirror {
        bail!(
            "with custody `mirror` customers give their keys on the integration's own page \
             (`connect.reconnect_url`), not here"
        );
    }
    app.links().context(
        "no pages are served: set `public.url` to the address at which customers reach them, and \
         `brand.product`",
    )
}

/// A link as programs read it; null of none.
pub fn document(made: Option<&MadeLink>) -> Value {
    made.map_or(
        Value::Null,
        |made| json!({ "id": made.id, "url": made.shown_once(), "expires_at": made.expires_at }),
    )
}

fn told(made: &MadeLink, json: bool) -> anyhow::Result<()> {
    let url = made.shown_once();
    if json {
        return output::document(&document(Some(made)));
    }
    output::line(url)?;
    output::hint(&format!(
        "good until {} or until a key was given by it; whoever has it may give one, so send it to \
         that person only. It is not shown again.",
        output::moment(Some(made.expires_at))
    ))
}

fn list(app: &App, links: &[KeptLink], json: bool) -> anyhow::Result<()> {
    let now = app.clock.now();
    for link in links {
        let state = link.state(now).name();
        if json {
            output::json(&json!({
                "id": link.id,
                "state": state,
                "recipient": link.recipient,
                "created_at": link.created_at,
                "expires_at": link.expires_at,
                "tries": link.tries,
            }))?;
        } else {
            output::line(&format!(
                "{}  {state:<8} for {}, made {}, good until {}, {} in vain",
                &link.id[..8],
                output::printable(&link.recipient),
                output::moment(link.created_at),
                output::moment(Some(link.expires_at)),
                match link.tries {
                    1 => "1 try".to_owned(),
                    tries => format!("{tries} tries"),
                },
            ))?;
        }
    }
    if links.is_empty() && !json {
        output::hint("there are no links")?;
    }
    Ok(())
}

async fn find(app: &App, digits: &str, json: bool) -> anyhow::Result<()> {
    let hex = digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if !hex {
        bail!("a reference has eight digits, 0 to 9 and a to f, such as 1a2b3c4d");
    }
    let Some(link) = app.store.link_like(&digits.to_ascii_lowercase()).await? else {
        bail!("there is no link with the reference {digits}: is it older than 90 days?");
    };
    let state = link.state(app.clock.now()).name();
    let tenant = match link.tenant {
        Some(id) => app.store.tenant_by_id(id).await?.map(|view| view.reference),
        None => None,
    };
    if json {
        return output::document(&json!({ "id": link.id, "ref": tenant, "state": state }));
    }
    output::line(&match tenant {
        Some(reference) => format!("{} ({state})", output::printable(&reference)),
        None => format!("an invitation that nobody has followed ({state})"),
    })
}

fn said_of_revoked(revoked: u64, reference: &str, json: bool) -> anyhow::Result<()> {
    if json {
        return output::document(&json!({ "revoked": revoked }));
    }
    output::line(&match revoked {
        0 => format!("no link of {reference} led anywhere any more"),
        1 => format!("the link of {reference} leads nowhere any more"),
        many => format!("{many} links of {reference} lead nowhere any more"),
    })
}
