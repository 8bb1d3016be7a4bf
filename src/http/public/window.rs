//! What the pages have done by others: keys tried, held and taken, tenants asked again. Whoever puts the
//! parts together answers these wishes; a page knows no task and opens no key.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::health::CompanyId;
use crate::health::Scopes;
use crate::http::api::desk::{Checked, Doing, Offered, Owner};
use crate::ids::TenantId;
use crate::provider::Profile;
use crate::store::KeptLink;
use crate::store::Store;
use crate::vault::LinkUrl;

use super::invitation::Invitation;

/// What is done for whoever came by a link. All of it is done in the link's name.
pub trait Window: Debug + Send + Sync {
    /// The store, as this link uses it.
    fn store(&self, link: &str) -> Store;

    /// The provider whose keys these are.
    fn profile(&self) -> &Profile;

    /// What a key given now must be allowed to do.
    fn required(&self) -> &Scopes;

    /// The same link again, for a colleague; nothing where it cannot be made.
    fn again(&self, link: &KeptLink) -> Option<LinkUrl>;

    /// Takes a key for a tenant that is there, or leaves everything as it is.
    fn enter<'a>(
        &'a self,
        link: &'a str,
        tenant: TenantId,
        key: &'a str,
        expires_at: Option<DateTime<Utc>>,
    ) -> Doing<'a, Offered>;

    /// Asks whose a key is, of which nobody has said it. Nothing is stored.
    fn whose<'a>(&'a self, key: &'a str) -> Doing<'a, Owner>;

    /// Takes in a newcomer with this key for this company, or nothing of it.
    fn admit<'a>(
        &'a self,
        link: &'a str,
        invitation: Invitation,
        company: CompanyId,
        key: &'a str,
        expires_at: Option<DateTime<Utc>>,
    ) -> Doing<'a, Offered>;

    /// Seals a key, and the day on which it expires, while a person is asked about its company.
    fn seal<'a>(&'a self, link: &'a KeptLink, key: &'a str) -> Doing<'a, Vec<u8>>;

    /// The key that was sealed for that link.
    fn unseal<'a>(&'a self, link: &'a KeptLink, sealed: &'a [u8]) -> Doing<'a, Zeroizing<String>>;

    /// Asks the provider about a tenant's present key now.
    fn check<'a>(&'a self, link: &'a str, tenant: TenantId) -> Doing<'a, Checked>;

    /// The customer no longer uses the product.
    fn decline<'a>(&'a self, link: &'a str, tenant: TenantId) -> Doing<'a, bool>;
}
