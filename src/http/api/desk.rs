//! What the API has done by others: keys tried, tenants asked, people's actions decided. Whoever puts
//! the parts together answers these wishes; `http` itself knows no task.

use std::fmt::Debug;
use std::pin::Pin;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::CustodyMode;
use crate::health::Action;
use crate::health::Class;
use crate::health::CompanyId;
use crate::health::Finding;
use crate::health::Scopes;
use crate::http::public::invitation::Invitation;
use crate::ids::TenantId;
use crate::ids::TenantRef;
use crate::provider::Profile;
use crate::provider::Refusal;
use crate::store::Care;
use crate::store::Fetched;
use crate::store::KeyKind;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TenantFilter;
use crate::store::TenantView;
use crate::store::Verdict;

use super::caller::Caller;
use super::guide::Guide;
use super::problem::RefusedLine;
use super::reconcile::Comparison;
use super::scopes::{Applied, Difference};
use super::secret::Secret;

/// Work that is being done for a caller.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, DeskError>> + Send + 'a>>;

/// Why something came to no answer.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The process is ending, and nothing was begun.
    #[error("keypulse is ending")]
    Ending,
    /// Anything else: our own fault, already in words.
    #[error("{0}")]
    Ours(String),
}

/// A tenant as a caller wants it.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The integration's own name for it.
    pub reference: TenantRef,
    /// The name that people know.
    pub name: String,
    /// The company that the key must belong to.
    pub company: CompanyId,
    /// Which kind of key.
    pub kind: KeyKind,
    /// What is known of it beside its key.
    pub care: Care,
}

/// What became of a key.
#[derive(Clone, Debug)]
pub enum Offered {
    /// It is live now.
    Live {
        /// What it may do beyond what is required.
        excess: Scopes,
    },
    /// It was live before.
    Same {
        /// What it may do beyond what is required.
        excess: Scopes,
    },
    /// It was not taken.
    Refused(Refusal),
}

/// Whose a key is.
#[derive(Clone, Debug)]
pub enum Owner {
    /// This company's, and the name that people know it by, where the key may read it.
    Company(CompanyId, Option<String>),
    /// It would not be taken.
    Refused(Refusal),
}

/// What came of a list of keys.
#[derive(Clone, Debug)]
pub enum Reconciled {
    /// It was compared.
    Compared(Comparison),
    /// Lines of it cannot be used: how many, and the first of them.
    Refused(u64, Vec<RefusedLine>),
    /// There is no key on it.
    Empty,
    /// One that was pushed later counts already.
    Overtaken,
}

/// How much of a fleet.
#[derive(Clone, Copy, Debug)]
pub enum Share {
    /// Everybody.
    All,
    /// So many of a hundred, rounded up.
    Percent(u8),
    /// So many.
    Tenants(u64),
}

/// What became of the wish to bind a tenant to another company. Only [`Rebound::Done`] has changed
/// anything.
#[derive(Clone, Debug)]
pub enum Rebound {
    /// It is bound to it.
    Done {
        /// Whether it has a key, which is accepted for that company.
        with_key: bool,
    },
    /// So it was before.
    Already,
    /// Its key is not accepted for that company, or that could not be found out.
    NotAccepted(Finding),
    /// No call could be made in time, or the key was taken out of use meanwhile.
    NotAsked,
    /// Another key, or another company, was taken meanwhile.
    Meanwhile,
}

/// A link that was made, to be shown once.
pub struct Made {
    /// Its public name.
    pub id: String,
    /// The link. Whoever has it may give a key.
    pub url: String,
    /// Until when it leads to the page.
    pub expires_at: DateTime<Utc>,
}

/// What became of the wish to ask now.
#[derive(Clone, Debug)]
pub enum Checked {
    /// The provider was asked, and this was found.
    Asked(Finding),
    /// It is being asked at this moment.
    UnderWay,
    /// There is no key to ask with.
    NoKey,
    /// No call could be started.
    NoCall,
}

/// What a person says of the weather.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// The provider is at fault.
    Declare {
        /// What fails.
        class: Class,
        /// Why.
        reason: &'a str,
        /// When it ends.
        until: Option<DateTime<Utc>>,
    },
    /// It is over.
    Clear {
        /// What fails no more.
        class: Class,
        /// Why.
        reason: &'a str,
    },
    /// On-call is asked to decide only then.
    Extend(DateTime<Utc>),
    /// So many of those held are judged again in each hour.
    Release(u32),
}

/// What is done for callers. Each wish names who has it.
pub trait Desk: Debug + Send + Sync {
    /// The store, as this caller uses it: all that a handler reads or writes goes through it.
    fn store(&self, caller: &Caller) -> Store;

    /// The provider whose keys these are.
    fn profile(&self) -> &Profile;

    /// HMAC-SHA-256 under a key of this installation, for requests and their names only.
    fn request_mac(&self, message: &[u8]) -> [u8; 32];

    /// Asks whose a key is, of which nobody has said it. Nothing is stored.
    fn whose<'a>(&'a self, key: &'a Secret) -> Doing<'a, Owner>;

    /// Takes in a tenant with its key, or nothing of it.
    fn admit<'a>(
        &'a self,
        caller: &'a Caller,
        wanted: Wanted,
        key: &'a Secret,
        expires_at: Option<DateTime<Utc>>,
    ) -> Doing<'a, Offered>;

    /// Takes a key for a tenant that is there, or leaves everything as it is.
    fn enter<'a>(
        &'a self,
        caller: &'a Caller,
        tenant: TenantId,
        key: &'a Secret,
        expires_at: Option<DateTime<Utc>>,
    ) -> Doing<'a, Offered>;

    /// Decides what a person does to a tenant. `None`: its row kept changing, nothing was done.
    fn operate<'a>(
        &'a self,
        caller: &'a Caller,
        tenant: TenantId,
        action: Action,
        remark: Option<&'a str>,
    ) -> Doing<'a, Option<Verdict>>;

    /// Asks the provider about a tenant now.
    fn check<'a>(&'a self, caller: &'a Caller, tenant: TenantId) -> Doing<'a, Checked>;

    /// The copy that is owed of a tenant's key. That this caller gets it is chained before it is
    /// here.
    fn fetch<'a>(&'a self, caller: &'a Caller, tenant: TenantId) -> Doing<'a, Fetched>;

    /// Compares the keys held here with the list of the integration's, of which `examples` tenants of
    /// each outcome are named; to `rehearse` is to change nothing.
    fn reconcile<'a>(
        &'a self,
        caller: &'a Caller,
        list: &'a [u8],
        rehearse: bool,
        examples: usize,
    ) -> Doing<'a, Reconciled>;

    /// Binds a tenant to another company, or leaves everything as it is.
    fn rebind<'a>(
        &'a self,
        caller: &'a Caller,
        tenant: TenantId,
        company: &'a CompanyId,
        reason: &'a str,
        without_key: bool,
    ) -> Doing<'a, Rebound>;

    /// Takes down what a person says of the weather; gives back of which classes anything changed.
    fn weather<'a>(&'a self, caller: &'a Caller, said: Said<'a>) -> Doing<'a, Vec<Class>>;

    /// What a key given from now on must be allowed to do.
    fn required(&self) -> &Scopes;

    /// Whether somebody has said that nothing is required.
    fn requires_nothing(&self) -> bool;

    /// How tenants stand to what is required of new keys.
    fn difference<'a>(&'a self, caller: &'a Caller, filter: TenantFilter) -> Doing<'a, Difference>;

    /// Holds a share of the tenants to that, if it touches as many as expected; else says how many.
    fn apply<'a>(
        &'a self,
        caller: &'a Caller,
        filter: TenantFilter,
        share: Share,
        expected: Option<u64>,
    ) -> Doing<'a, Result<Applied, u64>>;

    /// What makes the texts for customers; nothing where nobody has said what the product is called.
    fn guide(&self) -> Option<&Guide>;

    /// Whether there are pages for customers.
    fn serves_pages(&self) -> bool;

    /// Makes a link for a tenant.
    fn link<'a>(
        &'a self,
        caller: &'a Caller,
        tenant: &'a TenantView,
        recipient: &'a str,
    ) -> Doing<'a, Made>;

    /// Makes a link by which somebody becomes a tenant.
    fn invite<'a>(
        &'a self,
        caller: &'a Caller,
        invitation: &'a Invitation,
        recipient: &'a str,
    ) -> Doing<'a, Made>;

    /// Where the master of the keys is.
    fn custody(&self) -> CustodyMode;

    /// The integration's own page for new keys, with `{ref}` for the tenant.
    fn reconnect_url(&self) -> Option<&str>;

    /// How long a key that is owed may wait before it is late.
    fn pickup_within(&self) -> TimeDelta;

    /// A sealed key was destroyed: sees to it that it leaves the files of the database too.
    fn forget(&self);
}
