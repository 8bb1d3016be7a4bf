//! What is wanted of somebody who becomes a tenant by a link: written down when the link is made, read
//! again when it is followed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::health::CompanyId;
use crate::ids::TenantRef;
use crate::store::Care;
use crate::store::Contact;
use crate::store::KeyKind;

/// A tenant that is to be, without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The integration's own name for it.
    pub reference: TenantRef,
    /// The name that people know.
    pub name: String,
    /// The company that the key must belong to. None: whoever follows the link confirms it.
    pub company: Option<CompanyId>,
    /// Which kind of key.
    pub kind: KeyKind,
    /// What is known of it beside its key.
    pub care: Care,
}

/// The same as it is kept.
#[derive(Serialize, Deserialize)]
struct Written {
    reference: String,
    name: String,
    company: Option<String>,
    kind: String,
    contact: Option<(String, String)>,
    locale: Option<String>,
    time_zone: Option<String>,
    labels: BTreeMap<String, String>,
}

impl Invitation {
    /// As it is kept.
    pub fn written(&self) -> String {
        let Care { contact, locale, time_zone, labels } = self.care.clone();
        let written = Written {
            reference: self.reference.as_str().to_owned(),
            name: self.name.clone(),
            company: self.company.as_ref().map(|company| company.as_str().to_owned()),
            kind: self.kind.name().to_owned(),
            contact: contact.map(|contact| (contact.address, contact.role)),
            locale,
            time_zone,
            labels,
        };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// As it was kept; `None` of what cannot be read.
    pub fn read(written: &str) -> Option<Self> {
        let written: Written = serde_json::from_str(written).ok()?;
        let company = match written.company {
            Some(company) => Some(CompanyId::parse(&company)?),
            None => None,
        };
        Some(Self {
            reference: TenantRef::parse(&written.reference).ok()?,
            name: written.name,
            company,
            kind: KeyKind::parse(&written.kind)?,
            care: Care {
                contact: written.contact.map(|(address, role)| Contact { address, role }),
                locale: written.locale,
                time_zone: written.time_zone,
                labels: written.labels,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_reads_back_as_it_was_written() {
        let contact = Contact { address: "b@fjord.example".into(), role: "bookkeeper".into() };
        let invitation = Invitation {
            reference: TenantRef::parse("erp-7").unwrap(),
            name: "Fjord \"A/S\"".into(),
            company: CompanyId::parse("company-7"),
            kind: KeyKind::Standalone,
            care: Care {
                contact: Some(contact),
                locale: Some("da-DK".into()),
                time_zone: Some("Europe/Copenhagen".into()),
                labels: [("plan".to_owned(), "gold".to_owned())].into(),
            },
        };
        assert_eq!(Invitation::read(&invitation.written()), Some(invitation));
        for damaged in ["", "{}", r#"{"reference":"","name":"a"}"#] {
            assert_eq!(Invitation::read(damaged), None, "{damaged}");
        }
    }
}
