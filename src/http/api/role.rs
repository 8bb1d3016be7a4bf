//! Which role may do what: the one table, and the routes that it is asked for. `docs/API.md` shows
//! the same table to people; a test compares the two and tries every cell.

use axum::http::Method;

/// What somebody with a token is to the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Looks: a dashboard, a report.
    Reader,
    /// Helps customers.
    Support,
    /// Runs the installation.
    Operator,
    /// The integration's own back end.
    Integration,
    /// Everything but taking keys.
    Admin,
}

impl Role {
    /// Every role, from the least to the most.
    pub const ALL: [Self; 5] =
        [Self::Reader, Self::Support, Self::Operator, Self::Integration, Self::Admin];

    /// The word of each role.
    pub const WORDS: [&'static str; 5] = ["reader", "support", "operator", "integration", "admin"];

    /// The word of this role.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Support => "support",
            Self::Operator => "operator",
            Self::Integration => "integration",
            Self::Admin => "admin",
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Whether this role may do that.
    pub fn may(self, deed: Deed) -> bool {
        deed.roles().contains(&self)
    }
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Read tenants, with contacts and masked keys.
    Read,
    /// Have the provider asked now.
    Check,
    /// Change name, contact, language, time zone and labels.
    Change,
    /// Note that a withdrawn key was deleted at the provider.
    ConfirmDeleted,
    /// Stop watching for a while, and go on.
    Pause,
    /// Withdraw a key that may have leaked.
    Disable,
    /// Say that the integration has stopped using a withdrawn key.
    AcknowledgeDisabled,
    /// Add a tenant with its key.
    Create,
    /// Give a new key.
    GiveKey,
    /// Take a key that is owed, and say that it was taken.
    TakeKey,
    /// Push the list of the keys that the integration uses.
    Reconcile,
    /// See how tenants stand to what is required of new keys.
    ReadScopes,
    /// Hold tenants to what is required of new keys.
    ApplyScopes,
    /// Bind a tenant to another company.
    Rebind,
    /// Forget a tenant.
    Erase,
    /// Make links that lead customers to a page, and take them back.
    Link,
    /// Add somebody as a tenant by a link.
    Invite,
    /// Hold all mail to customers, and let it go again.
    HoldMail,
    /// Tell what became of a mail later.
    MailEvent,
    /// Say what the weather is, and what becomes of those who are held.
    Weather,
    /// Read the audit chain, with what is personal in it.
    ReadAudit,
}

impl Deed {
    /// Every deed, in the order of the table.
    pub const ALL: [Self; 21] = [
        Self::Read,
        Self::Check,
        Self::Change,
        Self::ConfirmDeleted,
        Self::Pause,
        Self::Disable,
        Self::AcknowledgeDisabled,
        Self::Create,
        Self::GiveKey,
        Self::TakeKey,
        Self::Reconcile,
        Self::ReadScopes,
        Self::ApplyScopes,
        Self::Rebind,
        Self::Erase,
        Self::Link,
        Self::Invite,
        Self::HoldMail,
        Self::MailEvent,
        Self::Weather,
        Self::ReadAudit,
    ];

    /// The table. A key is handed in by machines and admins only: whoever helps customers has no
    /// reason to hold one.
    pub fn roles(self) -> &'static [Role] {
        use Role::{Admin, Integration, Operator, Reader, Support};
        match self {
            Self::Read => &[Reader, Support, Operator, Integration, Admin],
            Self::Check | Self::Change | Self::Link | Self::Invite => {
                &[Support, Operator, Integration, Admin]
            }
            // That somebody has looked is for a person to say.
            Self::ConfirmDeleted => &[Support, Operator, Admin],
            Self::Pause
            | Self::Disable
            | Self::AcknowledgeDisabled
            | Self::Reconcile
            | Self::MailEvent => &[Operator, Integration, Admin],
            Self::Create | Self::GiveKey => &[Integration, Admin],
            // Sealed, and still: nobody but the machine that it is for. An admin makes it a token.
            Self::TakeKey => &[Integration],
            // Whoever withdraws a leaked key has to review it in the same hour. It names people. The
            // weather bears on many customers, and whoever is on call at night has to be able to.
            Self::ReadAudit | Self::ReadScopes | Self::HoldMail | Self::Weather => {
                &[Operator, Admin]
            }
            // There is no way back from these, or many customers are asked for something.
            Self::ApplyScopes | Self::Rebind | Self::Erase => &[Admin],
        }
    }

    /// The words of this deed, as the table of the manual has them.
    pub fn words(self) -> &'static str {
        match self {
            Self::Read => "read tenants",
            Self::Check => "check now",
            Self::Change => "change name, contact, language, labels",
            Self::ConfirmDeleted => "confirm that a withdrawn key was deleted",
            Self::Pause => "pause and resume",
            Self::Disable => "disable as compromised",
            Self::AcknowledgeDisabled => "acknowledge that a withdrawn key is used no more",
            Self::Create => "add a tenant with its key",
            Self::GiveKey => "give a new key",
            Self::Reconcile => "push the list of the integration's keys",
            Self::ReadScopes => "see how tenants stand to required scopes",
            Self::ApplyScopes => "hold tenants to required scopes",
            Self::Rebind => "bind a tenant to another company",
            Self::Erase => "forget a tenant",
            Self::Link => "make links for customers, and take them back",
            Self::Invite => "invite a new tenant by a link",
            Self::HoldMail => "hold all mail to customers, and let it go",
            Self::MailEvent => "tell that a mail came back",
            Self::Weather => "say what the weather is",
            Self::ReadAudit => "read the audit chain",
            Self::TakeKey => "fetch a key that is owed, and acknowledge it",
        }
    }
}

/// A route, and what whoever uses it must be allowed to do.
#[derive(Clone, Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, as it is routed.
    pub path: &'static str,
    /// What it does.
    pub deed: Deed,
}

/// Every route that needs a token. One that is not here answers nobody.
pub const ROUTES: [Route; 38] = [
    route(Method::GET, "/api/v1/audit", Deed::ReadAudit),
    route(Method::GET, "/api/v1/audit/head", Deed::ReadAudit),
    route(Method::GET, "/api/v1/handovers", Deed::Read),
    route(Method::POST, "/api/v1/invitations", Deed::Invite),
    route(Method::GET, "/api/v1/mail", Deed::Read),
    route(Method::POST, "/api/v1/mail-events", Deed::MailEvent),
    route(Method::POST, "/api/v1/mail/hold", Deed::HoldMail),
    route(Method::POST, "/api/v1/mail/release", Deed::HoldMail),
    route(Method::GET, "/api/v1/reconcile", Deed::Read),
    route(Method::POST, "/api/v1/reconcile", Deed::Reconcile),
    route(Method::POST, "/api/v1/scopes/apply", Deed::ApplyScopes),
    route(Method::GET, "/api/v1/scopes/diff", Deed::ReadScopes),
    route(Method::GET, "/api/v1/tenants", Deed::Read),
    route(Method::POST, "/api/v1/tenants", Deed::Create),
    route(Method::GET, "/api/v1/tenants/{ref}", Deed::Read),
    route(Method::PATCH, "/api/v1/tenants/{ref}", Deed::Change),
    route(Method::GET, "/api/v1/tenants/{ref}/audit", Deed::ReadAudit),
    route(Method::POST, "/api/v1/tenants/{ref}/check", Deed::Check),
    route(Method::POST, "/api/v1/tenants/{ref}/confirm-deleted", Deed::ConfirmDeleted),
    route(Method::POST, "/api/v1/tenants/{ref}/disable", Deed::Disable),
    route(Method::POST, "/api/v1/tenants/{ref}/disabled/acknowledge", Deed::AcknowledgeDisabled),
    route(Method::POST, "/api/v1/tenants/{ref}/erase", Deed::Erase),
    route(Method::GET, "/api/v1/tenants/{ref}/explain", Deed::Read),
    route(Method::GET, "/api/v1/tenants/{ref}/handover", Deed::TakeKey),
    route(Method::POST, "/api/v1/tenants/{ref}/handover/acknowledge", Deed::TakeKey),
    route(Method::PUT, "/api/v1/tenants/{ref}/key", Deed::GiveKey),
    route(Method::DELETE, "/api/v1/tenants/{ref}/links", Deed::Link),
    route(Method::GET, "/api/v1/tenants/{ref}/links", Deed::Read),
    route(Method::POST, "/api/v1/tenants/{ref}/links", Deed::Link),
    route(Method::POST, "/api/v1/tenants/{ref}/pause", Deed::Pause),
    route(Method::POST, "/api/v1/tenants/{ref}/rebind", Deed::Rebind),
    route(Method::GET, "/api/v1/tenants/{ref}/reconnect-guide", Deed::Read),
    route(Method::POST, "/api/v1/tenants/{ref}/resume", Deed::Pause),
    route(Method::GET, "/api/v1/weather", Deed::Read),
    route(Method::POST, "/api/v1/weather/clear", Deed::Weather),
    route(Method::POST, "/api/v1/weather/declare", Deed::Weather),
    route(Method::POST, "/api/v1/weather/extend", Deed::Weather),
    route(Method::POST, "/api/v1/weather/release", Deed::Weather),
];

const fn route(method: Method, path: &'static str, deed: Deed) -> Route {
    Route { method, path, deed }
}

/// What the route does; `None` of one that is not in the table.
pub fn deed_of(method: &Method, path: &str) -> Option<Deed> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    ROUTES.iter().find(|route| route.method == method && route.path == path).map(|one| one.deed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_found_by_its_word_and_by_no_other() {
        for (role, word) in Role::ALL.into_iter().zip(Role::WORDS) {
            assert_eq!((role.word(), Role::parse(word)), (word, Some(role)));
        }
        assert_eq!(Role::parse("root"), None);
    }

    #[test]
    fn an_admin_may_do_everything_but_take_a_key_and_a_reader_may_only_read() {
        for deed in Deed::ALL {
            assert_eq!(Role::Admin.may(deed), deed != Deed::TakeKey, "{deed:?}");
            assert_eq!(Role::Reader.may(deed), deed == Deed::Read, "{deed:?}");
        }
    }
}
