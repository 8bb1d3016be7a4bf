//! `keypulse tenant contact`: whom a tenant's mail goes to, and which addresses do not work.

use anyhow::bail;
use clap::Args;
use serde_json::json;

use crate::app::App;
use crate::cli::output;
use crate::given;
use crate::store::{Contact, ContactAdded, ContactView, MOST_CONTACTS};

use super::show::found;

/// What may be typed.
#[derive(Debug, Args)]
pub struct Options {
    /// Your own name for the tenant.
    #[arg(value_name = "REF")]
    reference: String,
    /// Add somebody, who is written to once those before are known not to be reachable.
    #[arg(long, value_name = "ADDRESS", value_parser = given::address, group = "deed")]
    add: Option<String>,
    /// What that person is to the customer.
    #[arg(long, value_name = "ROLE", value_parser = given::role, requires = "add",
        default_value = "contact")]
    role: String,
    /// Remove somebody.
    #[arg(long, value_name = "ADDRESS", group = "deed")]
    remove: Option<String>,
    /// Write to an address again that was refused before.
    #[arg(long, value_name = "ADDRESS", group = "deed")]
    trust: Option<String>,
    /// As one JSON document.
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Whether it changes something.
    pub fn changes(&self) -> bool {
        self.add.is_some() || self.remove.is_some() || self.trust.is_some()
    }
}

/// Shows or changes the contacts of a tenant.
pub async fn run(options: &Options, app: &App) -> anyhow::Result<()> {
    let view = found(app, &options.reference).await?;
    let no = |address: &str, what: &str| {
        let address = output::printable(address);
        anyhow::anyhow!("{} has no contact {address}{what}", view.reference)
    };
    if let Some(address) = &options.add {
        let contact = Contact { address: address.clone(), role: options.role.clone() };
        match app.store.add_contact(view.id, &contact).await? {
            ContactAdded::At(_) => {}
            ContactAdded::Known => bail!("{} has this contact already", view.reference),
            ContactAdded::TooMany => {
                bail!("{} has {MOST_CONTACTS} contacts: remove one first", view.reference)
            }
        }
    }
    if let Some(address) = &options.remove
        && !app.store.remove_contact(view.id, address, app.clock.now()).await?
    {
        return Err(no(address, ""));
    }
    if let Some(address) = &options.trust
        && !app.store.trust_contact(view.id, address).await?
    {
        return Err(no(address, " that was refused"));
    }
    let contacts = app.store.contacts(view.id).await?;
    if options.json {
        let contacts: Vec<_> = contacts.iter().map(document).collect();
        return output::document(&json!({"tenant": view.reference, "contacts": contacts}));
    }
    if contacts.is_empty() {
        return output::line(&format!("{}: nobody is known to write to", view.reference));
    }
    for one in &contacts {
        let Contact { address, role } = &one.contact;
        let how = match &one.refused {
            Some((at, why)) => {
                format!("not written to: {why} ({})", output::moment(Some(*at)))
            }
            None => "works as far as is known".to_owned(),
        };
        let (address, role) = (output::printable(address), output::printable(role));
        output::line(&format!("{}. {address} ({role}): {how}", one.ordinal))?;
    }
    Ok(())
}

fn document(one: &ContactView) -> serde_json::Value {
    json!({
        "place": one.ordinal,
        "address": one.contact.address,
        "role": one.contact.role,
        "refused_at": one.refused.as_ref().map(|(at, _)| at),
        "refused_why": one.refused.as_ref().map(|(_, why)| why),
    })
}
