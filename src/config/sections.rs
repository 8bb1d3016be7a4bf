//! What the daemon is told, section by section, after every check: none of these values is one
//! that the daemon would have to refuse.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::health::CompanyId;

/// `[store]`: where tenants, sealed keys and owed messages are kept.
#[derive(Debug)]
pub struct Store {
    /// `sqlite:` or `postgres:`; may carry a password. From `store.url`, or from the file that
    /// `store.url_file` names.
    pub url: SecretString,
    /// The file for what must never come back. None: beside a database that is a file; else nowhere.
    pub withdrawn_file: Option<PathBuf>,
}

/// `[provider]`: whose keys are watched, and how it is called.
#[derive(Clone, Debug)]
pub struct Provider {
    /// `pleo`, or the path of a profile that ends in `.toml`.
    pub profile: String,
    /// Where the API is: https, or http to this machine; without user, query and fragment. None:
    /// the profile's.
    pub base_url: Option<Url>,
    /// The scopes a key must have, none of them empty or with white space. None: the profile's.
    pub required_scopes: Option<Vec<String>>,
    /// The client that keys must have been issued for. None: any.
    pub client_id: Option<String>,
    /// The most that one whole call may take; above zero, at most 5 minutes.
    pub timeout: Duration,
    /// The most that the connection may take; above zero, at most 5 minutes.
    pub connect_timeout: Duration,
}

/// `[watch]`: the routine checks.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Time between two routine checks of one key; the same as `policy.interval`.
    pub interval: Duration,
    /// Checks that may wait for an answer at the same time, in one process; at most 4096.
    pub concurrency: NonZeroU32,
}

/// `[budget]`: the calls that keypulse may make.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Calls that may start in any 60 seconds, at most 6000000.
    pub per_minute: NonZeroU32,
    /// What the provider counts.
    pub per: BudgetPer,
}

/// What a budget is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetPer {
    /// All keys together share one budget.
    Integration,
    /// Each key has a budget of its own.
    Key,
}

/// `[keyring]`: the master key, in one form at most. Neither is set where there is none.
#[derive(Debug)]
pub struct Keyring {
    /// The master key itself, not empty; its form is the vault's to check.
    pub master_key: Option<SecretString>,
    /// The file that holds it, which the vault reads.
    pub master_key_file: Option<PathBuf>,
}

/// `[custody]`: who is master of the keys.
#[derive(Clone, Debug)]
pub struct Custody {
    /// Who is.
    pub mode: CustodyMode,
    /// How long a copy may wait to be fetched before that is said; above zero.
    pub pickup_within: Duration,
    /// For how long a key that was read where it lies is used; at most an hour.
    pub cache: Duration,
    /// Where AWS Secrets Manager is: https, or http to this machine. None: AWS's own address.
    pub aws_endpoint: Option<Url>,
    /// Where a mirror's integration is asked which key it uses: https, or http to this machine, with
    /// `{ref}` for the tenant. None: only what it pushes is known.
    pub fingerprint_url: Option<String>,
    /// The bearer token that it is asked with.
    pub fingerprint_token: Option<SecretString>,
}

/// `[connect]`: where customers give a new key.
#[derive(Clone, Debug)]
pub struct Connect {
    /// The integration's own page, with `{ref}` for the tenant. None: nobody said.
    pub reconnect_url: Option<String>,
    /// How long a link to a customer's page is good for; above zero.
    pub links_valid_for: Duration,
    /// Where a customer finds keys at the provider; https. None: the profile's.
    pub keys_url: Option<Url>,
    /// Where the page leads back to; https. None: nowhere.
    pub return_url: Option<Url>,
}

/// Who is master of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustodyMode {
    /// keypulse; a key that it accepts is handed over to the integration.
    Keeper,
    /// The integration's secret store: keypulse reads keys there, and writes replacements there.
    Reference,
    /// The integration's database, which pushes its changes.
    Mirror,
}

/// `[private]`: the listener of the API, the console, the metrics and the checks.
#[derive(Clone, Debug)]
pub struct Private {
    /// Address and port; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// The files of certificate and key, where TLS is spoken there.
    pub tls: Option<TlsFiles>,
    /// Whether a TLS proxy stands in front; never together with files.
    pub behind_tls_proxy: bool,
}

/// The files of a certificate and of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those that lead to a trusted one.
    pub cert: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// `[metrics]`: where the metrics and checks are served.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// A listener of their own. None: the private one.
    pub listen: Option<SocketAddr>,
}

/// `[public]`: the listener of the customers' pages.
#[derive(Clone, Debug)]
pub struct Public {
    /// Where customers reach the pages: https, or http to this machine. None: no pages are served.
    pub url: Option<Url>,
    /// Address and port; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// The files of certificate and key, where TLS is spoken there.
    pub tls: Option<TlsFiles>,
    /// Whether a TLS proxy stands in front; never together with files.
    pub behind_tls_proxy: bool,
}

/// `[brand]`: what customers see of the integration.
#[derive(Clone, Debug)]
pub struct Brand {
    /// The product, as customers know it; there wherever pages are served.
    pub product: Option<String>,
    /// Where a customer gets help.
    pub support: Option<String>,
    /// The file of the logo.
    pub logo_file: Option<PathBuf>,
    /// The colour of the button: red, green, blue.
    pub accent: [u8; 3],
}

/// `[pages]`: how pages are made.
#[derive(Clone, Debug)]
pub struct Pages {
    /// A folder with templates that take the place of built-in ones.
    pub templates_dir: Option<PathBuf>,
}

/// `[notify]`: whether anybody is told.
#[derive(Clone, Debug)]
pub struct Notify {
    /// How far a decision goes.
    pub mode: NotifyMode,
}

/// How far a decision goes. `live` is refused by name until mail can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyMode {
    /// Decide and show, send nothing.
    Shadow,
    /// Tell on-call and the integration; customers nothing.
    OnCall,
    /// Write to customers as well.
    Live,
}

/// `[canary]`: a key of the integrator's own company, which is known to be good.
#[derive(Clone, Debug)]
pub struct Canary {
    /// The key itself, from the file that `canary.key_file` names.
    pub key: SecretString,
    /// The company that it belongs to.
    pub company: CompanyId,
}

/// `[alertmanager]`: whom on-call hears of it from.
#[derive(Clone, Debug)]
pub struct Alertmanager {
    /// Every member: https, or http to this machine.
    pub urls: Vec<Url>,
    /// How long an alert stands that is not told again.
    pub resolve_timeout: Duration,
}

/// `[oncall]`: pagers and chats that on-call hears of it from.
#[derive(Debug)]
pub struct Oncall {
    /// The routing key of an integration of PagerDuty. None: no pager.
    pub pagerduty_key: Option<SecretString>,
    /// Where its events go: https, or http to this machine.
    pub pagerduty_url: Url,
    /// The address of an incoming webhook of Slack, which is a secret: https, or http to this machine. None: no chat.
    pub slack_url: Option<SecretString>,
    /// A folder with templates of messages in the place of built-in ones. None: those.
    pub templates_dir: Option<PathBuf>,
}

/// `[webhook]`: how the integration is told.
#[derive(Debug)]
pub struct Webhook {
    /// Where to: https, or http to this machine.
    pub endpoints: Vec<Url>,
    /// What each message is signed with.
    pub secret: Option<SecretString>,
    /// What it was signed with before: each message has a signature by it as well.
    pub previous_secret: Option<SecretString>,
    /// Names that may lead into a private network.
    pub allow_hosts: Vec<String>,
    /// How long a withdrawn key may go without the integration's word that it stopped using it.
    pub acknowledge_within: Duration,
}

/// `[mail]`: how customers are written to.
#[derive(Debug)]
pub struct Mail {
    /// By what road, and in whose name. None: no mail can be sent.
    pub sending: Option<Sending>,
    /// The most that each step of a conversation may take; above zero, at most 5 minutes.
    pub timeout: Duration,
    /// The most mails to all customers together in an hour; at most 1000000.
    pub most_per_hour: NonZeroU32,
    /// The most mails about one tenant in an hour; at most 1000000.
    pub most_per_tenant_per_hour: NonZeroU32,
    /// By which name in the DNS the relay signs. None: nobody said.
    pub dkim_selector: Option<String>,
    /// Whom `mail doctor` asks about names. None: whom the system asks.
    pub dns: Option<SocketAddr>,
    /// A folder with templates of letters in the place of built-in ones. None: those.
    pub templates_dir: Option<PathBuf>,
}

/// By what road mail goes, and in whose name.
#[derive(Debug)]
pub struct Sending {
    /// The road.
    pub road: MailRoad,
    /// Who writes.
    pub from: Mailbox,
    /// Who is answered. None: who writes.
    pub reply_to: Option<Mailbox>,
}

/// By what road mail goes.
#[derive(Debug)]
pub enum MailRoad {
    /// Over a relay.
    Relay(Relay),
    /// As files into this folder: for trying it out.
    Folder(PathBuf),
}

/// The relay that takes mail.
#[derive(Debug)]
pub struct Relay {
    /// Its name or address, without a port.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// How the conversation is kept from others.
    pub tls: MailTls,
    /// A file of certificates that are trusted there besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Who signs in; never there in clear but on this machine.
    pub login: Option<Login>,
}

/// How the conversation with a relay is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// TLS from the first byte.
    Required,
    /// TLS before anything of ours is said, asked for in clear.
    StartTls,
    /// Not at all: only on this machine.
    None,
}

/// Who signs in at a relay.
#[derive(Debug)]
pub struct Login {
    /// The name, not empty.
    pub username: String,
    /// The password.
    pub password: SecretString,
}

/// A name and an address, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name, where there is one.
    pub name: Option<String>,
    /// The address; one `@`, something on either side.
    pub address: String,
}

/// `[customers]`: when customers are written to.
#[derive(Clone, Debug)]
pub struct Customers {
    /// How long after the first mail each reminder comes, rising; at most 10.
    pub reminders: Vec<Duration>,
    /// How many days before its end a key is announced to expire; at most 10, each above zero.
    pub expiring: Vec<u32>,
    /// From which hour of the day on, and before which, reminders are sent; 0 to 24.
    pub hours: (u8, u8),
    /// Whether a first mail waits for those hours as well.
    pub first_waits: bool,
    /// How long after the last reminder a story is given up; above zero.
    pub give_up_after: Duration,
}

/// `[words]`: the texts that customers read.
#[derive(Clone, Debug)]
pub struct Words {
    /// A folder with more languages and changed texts. None: those that are built in.
    pub dir: Option<PathBuf>,
}

/// `[heartbeat]`: who notices when keypulse stops.
#[derive(Debug)]
pub struct Heartbeat {
    /// Where a sign of life is sent: https, or http to this machine. None: nowhere.
    pub url: Option<SecretString>,
    /// Time between two of them; above zero.
    pub interval: Duration,
}

/// `[log]`: how log lines are written.
#[derive(Clone, Debug)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// [`Pretty`](Self::Pretty) on a terminal, [`Json`](Self::Json) everywhere else.
    Auto,
    /// For eyes.
    Pretty,
    /// One JSON object a line.
    Json,
}
