//! Tenants and companies as they are shown.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::key::{Issued, KeyKind};
use super::scope::Scope;
use super::tenant::{InstallationStatus, KeyState, Reach, Tenant};
use super::uuid::Of;
use super::world::World;
use crate::ids::TenantRef;
use crate::redact::ApiKey;

/// A company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompanyView {
    /// Its UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its number, when the seed made it.
    pub number: Option<u32>,
}

/// One tenant as it is now.
#[derive(Debug)]
pub struct TenantView {
    /// Its number, from 1.
    pub number: u32,
    /// The integration's name for it, such as `erp-0003`.
    pub reference: TenantRef,
    /// The company that its key is for now; the one it began with is [`World::company`].
    pub company_id: String,
    /// That company's name.
    pub company_name: String,
    /// How its key was made.
    pub kind: KeyKind,
    /// Which of its keys is current, from 0.
    pub generation: u16,
    /// The date noted for a Standalone key. The sandbox does not watch it; `expire` does the deed.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether the current key is accepted.
    pub key_state: KeyState,
    /// Whom the key is for.
    pub reach: Reach,
    /// What `introspect` answers as `subjectURN`.
    pub subject_urn: String,
    /// What `introspect` answers as `clientId`.
    pub client_id: String,
    /// The key's permissions.
    pub scopes: Vec<&'static str>,
    /// The state of its installation.
    pub installation: InstallationStatus,
    key: ApiKey,
}

impl TenantView {
    /// The current key, whether it works or not.
    pub fn key(&self) -> &ApiKey {
        &self.key
    }

    /// The same, to keep.
    pub fn into_key(self) -> ApiKey {
        self.key
    }

    pub(super) fn of(world: &World, number: u32, tenant: Tenant) -> Option<Self> {
        let company = world.company_view(world.company_of(number, tenant));
        let kind = KeyKind::of(number);
        let generation = tenant.generation;
        Some(Self {
            number,
            reference: reference(number, world.tenants())?,
            company_id: company.id,
            company_name: company.name,
            kind,
            generation,
            expires_at: (kind == KeyKind::Standalone).then(|| world.expires_at(number)),
            key_state: tenant.key,
            reach: tenant.reach,
            subject_urn: subject_urn(world, number, tenant),
            client_id: client_id(world, number, tenant),
            scopes: tenant.scopes.iter().map(Scope::name).collect(),
            installation: tenant.installation,
            key: world.keys().make(Issued { number, generation }),
        })
    }
}

/// `urn:pleo:company:…` or `urn:pleo:organisation:…`.
pub(super) fn subject_urn(world: &World, number: u32, tenant: Tenant) -> String {
    match tenant.reach {
        Reach::Company => format!("urn:pleo:company:{}", world.company_of(number, tenant)),
        Reach::Organisation | Reach::ForeignOrganisation => {
            let organisation = world.uuid(Of::Organisation, number);
            format!("urn:pleo:organisation:{organisation}")
        }
    }
}

/// The client of a key: the integration's own for Integrated keys, one for each Standalone key.
pub(super) fn client_id(world: &World, number: u32, tenant: Tenant) -> String {
    let client = match (tenant.other_client, KeyKind::of(number)) {
        (true, _) => 1,
        (false, KeyKind::Integrated) => 0,
        (false, KeyKind::Standalone) => number.saturating_add(1),
    };
    world.uuid(Of::Client, client).to_string()
}

/// `erp-0001`; as many digits as the largest number needs, at least four.
fn reference(number: u32, tenants: u32) -> Option<TenantRef> {
    let width = tenants.to_string().len().max(4);
    TenantRef::parse(&format!("erp-{number:0width$}")).ok()
}
