//! Somebody who came by a link that there is: the link, and whom it is about.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::provider::Names;
use crate::provider::Profile;
use crate::provider::Refusal;
use crate::redact::printable;
use crate::store::KeptLink;
use crate::store::KeyKind;
use crate::store::TenantView;

use super::invitation::Invitation;
use super::outcome::Outcome;
use super::page::Subject;
use super::window::Window;

/// Somebody who came by a link that there is.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The link.
    pub link: KeptLink,
    /// The tenant; nobody of an invitation that was not followed yet.
    pub tenant: Option<TenantView>,
    /// The language that the customer is known to read.
    pub locale: Option<String>,
    /// The customer's time zone.
    pub zone: Option<String>,
}

impl Visit {
    /// How the latest try came out.
    pub fn said(&self) -> Option<Outcome> {
        self.link.outcome.as_ref().and_then(|(written, _)| Outcome::read(written))
    }

    /// Whom the page is about.
    pub fn subject(&self, window: &Arc<dyn Window>) -> Subject {
        let scopes = window.required().iter().map(str::to_owned).collect();
        let zone = self.zone.clone();
        if let Some(tenant) = &self.tenant {
            return Subject {
                customer: tenant.name.clone(),
                company: Some(tenant.company.clone()),
                masked: tenant.masked.clone(),
                kind: tenant.kind.unwrap_or(KeyKind::Integrated),
                scopes,
                zone,
            };
        }
        let invited = self.link.wanted.as_deref().and_then(Invitation::read);
        let (customer, company, kind) = match invited {
            Some(invited) => (invited.name, invited.company, invited.kind),
            None => (String::new(), None, KeyKind::Integrated),
        };
        let company = company.map(|company| company.as_str().to_owned());
        Subject { customer, company, masked: None, kind, scopes, zone }
    }
}

/// The id of the text of a refusal, and what it is filled in with.
pub fn said_of(
    profile: &Profile,
    subject: &Subject,
    refusal: &Refusal,
) -> (String, BTreeMap<String, String>) {
    let customer = printable(&subject.customer);
    let names = Names {
        provider: &profile.title,
        place: profile.key.place.as_deref(),
        prefixes: &profile.key.prefixes,
        customer: &customer,
        company: subject.company.as_deref().unwrap_or_default(),
    };
    let values = RefCell::new(BTreeMap::new());
    // Nothing is said yet: whoever reads it may read another language than whoever tried.
    let told = refusal.tell(&names, &|id, args| {
        let args = args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        values.borrow_mut().extend(args);
        id.to_owned()
    });
    (told.customer_message, values.into_inner())
}
