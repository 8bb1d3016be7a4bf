//! Puts the parts together: configuration, store, keyring, provider, tasks and listeners.
//!
//! Long because it is the one place that knows every part.

pub mod backup;
pub mod console;
pub mod desk;
pub mod doors;
mod enrol;
pub mod letters;
pub mod mailer;
pub mod oncall;
pub mod pages;
pub mod post;
mod pushed;
mod required;
pub mod restore;
mod window;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};
use url::Url;

use crate::clock::Clock;
use crate::clock::ServerClock;
use crate::config::BudgetPer;
use crate::config::Config;
use crate::config::CustodyMode;
use crate::custody::Inquiry;
use crate::custody::{KeyRef, PlaceError, Places};
use crate::edge::Signal;
use crate::http::api::Api;
use crate::http::private;
use crate::provider::CallKind;
use crate::provider::Client;
use crate::provider::Limits;
use crate::provider::Profile;
use crate::provider::format;
use crate::redact::ApiKey;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::Actor;
use crate::store::Dialect;
use crate::store::Instance;
use crate::store::Place;
use crate::store::Recovered;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;
use crate::task::Budget;
use crate::task::Canary;
use crate::task::Checker;
use crate::task::Gate;
use crate::task::Heartbeat;
use crate::task::Judge;
use crate::task::KeyringSource;
use crate::task::Measure;
use crate::task::Mirror;
use crate::task::Pokes;
use crate::task::Publish;
use crate::task::Pulse;
use crate::task::Scope;
use crate::task::Settler;
use crate::task::Source;
use crate::task::Watch;
use crate::task::cron;
use crate::task::effective_interval;
use crate::task::look;
use crate::task::prune;
use crate::task::watchdog;
use crate::task::withdrawals;
use crate::telemetry::Metrics;
use crate::telemetry::Supervisor;
use crate::vault::MasterKey;
use crate::words::Words;

pub use enrol::{ImportRequest, TenantRequest};

use doors::Doors;
use post::Post;

/// Time between two tries to reach a database that does not answer at the start.
const RETRY: Duration = Duration::from_secs(2);
/// How often, and after which pause, the lock of the file is tried: somebody who only looks at it
/// holds it for a moment.
const LOCK_TRIES: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(100);
/// Time between two measurements of a server's clock.
const MEASURE: Duration = Duration::from_secs(10);

/// The texts that customers read, with those of the operator.
pub fn words(config: &Config) -> anyhow::Result<Words> {
    Words::load(config.words.dir.as_deref()).context("the texts of `words.dir` cannot be used")
}

/// A configured keypulse with its store open.
#[derive(Debug)]
pub struct App {
    /// What the operator chose.
    pub config: Box<Config>,
    /// Where everything is kept.
    pub store: Store,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Who is told how the daemon is; nobody, unless set.
    pub supervisor: Supervisor,
    server: Option<Arc<ServerClock>>,
    profile: Arc<Profile>,
    // Of an embedded database: while it is held, no other daemon runs on it.
    instance: Option<Instance>,
    words: OnceLock<Words>,
}

/// Whether a missing database may be made, and an older schema brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Make what is missing. Only the embedded database gets its schema by itself; a server's is
    /// changed by `keypulse migrate` alone, because other processes may be running on it.
    Make,
    /// Look only at what is there.
    Look,
    /// The same, whichever schema it has: it is copied as it is.
    Copy,
}

impl App {
    /// Opens the store. `clock` is the machine's; a database server's own clock is used instead
    /// where there is one, so that several machines agree.
    pub async fn open(
        config: Config,
        access: Access,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let profile = Arc::new(Profile::load(&config.provider.profile)?);
        let place = place(&config)?;
        let store = open_store(&place, access).await?;
        let store = store.noting_withdrawals(withdrawn_file(&config, &place));
        Self::on(config, profile, store, clock).await
    }

    /// Like [`App::open`] with [`Access::Make`], as the one daemon of the file for as long as it
    /// lives, and waits for a database that does not answer yet. `None` when told to stop
    /// meanwhile.
    pub async fn open_when_ready(
        config: Config,
        clock: Arc<dyn Clock>,
        supervisor: Supervisor,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Option<Self>> {
        let profile = Arc::new(Profile::load(&config.provider.profile)?);
        let place = place(&config)?;
        let instance = only_one(&place, clock.as_ref()).await?;
        supervisor.status("opening the database");
        let store = loop {
            tokio::select! {
                opened = open_store(&place, Access::Make) => match opened {
                    Ok(store) => break store,
                    Err(error) if error.is_passing() => {
                        warn!("{}; trying again every 2 seconds", chain(&error));
                        supervisor.status("waiting for the database");
                    }
                    Err(error) => return Err(error.into()),
                },
                () = shutdown.begun() => return Ok(None),
            }
            tokio::select! {
                () = sleep(RETRY) => {}
                () = shutdown.begun() => return Ok(None),
            }
        };
        let further = store.further_steps().await?;
        if let Some(step) = further.first() {
            warn!(
                "the database has {} of the schema that a newer keypulse brought ({}, by {}); this \
                 version, {}, works with it",
                if further.len() == 1 {
                    "a step".into()
                } else {
                    format!("{} steps", further.len())
                },
                step.name,
                step.brought_by.as_deref().unwrap_or("an unnamed version"),
                env!("CARGO_PKG_VERSION")
            );
        }
        let store = store.noting_withdrawals(withdrawn_file(&config, &place));
        let app = Self::on(config, profile, store, clock).await?;
        Ok(Some(Self { supervisor, instance, ..app }))
    }

    async fn on(
        config: Config,
        profile: Arc<Profile>,
        store: Store,
        machine: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let (clock, server) = match measure(&store).await? {
            Some((time, at)) => {
                let server = Arc::new(ServerClock::new(time, at));
                (Arc::clone(&server) as Arc<dyn Clock>, Some(server))
            }
            None => (machine, None),
        };
        let supervisor = Supervisor::default();
        let (instance, words) = (None, OnceLock::new());
        let config = Box::new(config);
        Ok(Self { config, store, clock, supervisor, server, profile, instance, words })
    }

    /// The texts that customers read, read once.
    pub fn words(&self) -> anyhow::Result<Words> {
        if let Some(words) = self.words.get() {
            return Ok(words.clone());
        }
        let words = words(&self.config)?;
        Ok(self.words.get_or_init(|| words).clone())
    }

    /// The same with texts that were read already.
    #[must_use]
    pub fn speaking(self, words: Words) -> Self {
        Self { words: OnceLock::from(words), ..self }
    }

    /// The provider that is asked.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Opens the keyring with the configured master key; makes one in a store that has none.
    pub async fn keyring(&self) -> anyhow::Result<KeyringSource> {
        let master = master_key(&self.config)?;
        Ok(KeyringSource::open(self.store.clone(), master, &self.clock).await?)
    }

    /// The same for this actor: what is written into the audit chain was done by it.
    #[must_use]
    pub fn acting_as(self, actor: Actor) -> Self {
        Self { store: self.store.acting_as(actor), ..self }
    }

    /// The same for somebody who changes what the audit chain tells of: it is written with a key of
    /// the keyring, so the master key is needed. In a store without a keyring there is nothing to
    /// change, and none is made.
    pub async fn audited(self) -> anyhow::Result<Self> {
        const WHY: &str = "what this changes is written into the audit chain, with a key that only \
                           the master key opens";
        master_key(&self.config).context(WHY)?;
        if self.store.keyring().await?.is_empty() {
            return Ok(self);
        }
        let store = self.keyring().await.context(WHY)?.audit(&self.store);
        Ok(Self { store, ..self })
    }

    /// All that a check needs.
    pub fn checker(&self, keyring: KeyringSource, metrics: Metrics) -> anyhow::Result<Checker> {
        let provider = &self.config.provider;
        let limits = Limits {
            connect: provider.connect_timeout,
            total: provider.timeout,
            idle: usize::try_from(self.config.watch.concurrency.get())?,
        };
        let base = provider.base_url.as_ref().unwrap_or(&self.profile.base_url);
        let budget = self.budget();
        metrics.know_calls(&CallKind::ALL.map(CallKind::name), &Client::LABELS);
        let source = self.source(&metrics)?;
        let pulse = Arc::new(Pulse::default());
        let store = keyring.audit(&self.store);
        let settler = self.settler_on(store.clone(), metrics.clone(), Arc::clone(&pulse));
        let gate = Gate::new(self.store.clone(), Arc::clone(&self.clock), metrics.clone());
        Ok(Checker {
            store,
            keyring,
            profile: Arc::clone(&self.profile),
            client: Client::new(&self.profile, base, limits)?,
            client_id: provider.client_id.clone(),
            policy: self.config.policy.clone(),
            clock: Arc::clone(&self.clock),
            budget,
            metrics,
            gate: Arc::new(gate),
            source,
            settler,
            pulse,
        })
    }

    /// The places in which keys can lie.
    pub fn places(&self) -> Places {
        Places::new(self.config.custody.aws_endpoint.as_ref())
    }

    /// Where keys lie that do not lie here, and how they are compared with those that are in use.
    fn source(&self, metrics: &Metrics) -> anyhow::Result<Arc<Source>> {
        let custody = &self.config.custody;
        let results = PlaceError::NAMES.into_iter().chain(["read"]);
        metrics.know_reads(&KeyRef::KINDS, results);
        let provider = &self.profile.name;
        let mirror = match custody.mode {
            CustodyMode::Keeper | CustodyMode::Reference => None,
            CustodyMode::Mirror => {
                let token = custody.fingerprint_token.as_ref();
                let inquiry = custody.fingerprint_url.as_ref();
                let inquiry = inquiry.map(|address| Inquiry::new(address, token)).transpose()?;
                let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
                Some(Mirror::new(store, inquiry, provider, clock, metrics.clone()))
            }
        };
        let source = Source::new(self.places(), provider, custody.cache, metrics.clone());
        Ok(Arc::new(source.with_mirror(mirror)))
    }

    /// All that deciding and saving needs, without a key or a provider. What changes a status can be
    /// saved only where the app is [`App::audited`].
    pub fn settler(&self, metrics: Metrics, pulse: Arc<Pulse>) -> Settler {
        self.settler_on(self.store.clone(), metrics, pulse)
    }

    fn settler_on(&self, store: Store, metrics: Metrics, pulse: Arc<Pulse>) -> Settler {
        let policy = self.config.policy.clone();
        let distance = self.budget().distance();
        let judge =
            Judge::new(store.clone(), Arc::clone(&self.clock), policy.clone(), self.share());
        let judge = Arc::new(judge);
        Settler::new(store, policy, Arc::clone(&self.clock), metrics, distance, pulse, judge)
    }

    fn budget(&self) -> Budget {
        let scope = match self.config.budget.per {
            BudgetPer::Integration => Scope::Integration,
            BudgetPer::Key => Scope::Key,
        };
        let per_minute = self.config.budget.per_minute;
        Budget::new(self.store.clone(), Arc::clone(&self.clock), per_minute, scope)
    }

    /// The time between two routine checks of one of so many tenants that the budget can carry.
    pub fn effective_interval(&self, tenants: u32) -> TimeDelta {
        effective_interval(tenants, &self.config.policy, &self.profile, &self.budget())
    }

    /// What each of those who were held has for itself when they are asked again: half of the budget
    /// is left to all others.
    fn share(&self) -> TimeDelta {
        self.budget().time_for(self.profile.calls_of_a_check() * 2.0)
    }

    /// How long one check of so many tenants takes at the budget.
    pub fn full_pass(&self, tenants: u32) -> TimeDelta {
        self.budget().time_for(f64::from(tenants) * self.profile.calls_of_a_check())
    }

    /// Where the provider is asked.
    pub fn base_url(&self) -> &Url {
        self.config.provider.base_url.as_ref().unwrap_or(&self.profile.base_url)
    }

    /// Watches all tenants and serves the listeners until the shutdown.
    pub async fn run(&self, checker: Arc<Checker>, shutdown: &Shutdown) -> anyhow::Result<()> {
        let doors = Doors::open(&self.config).await?;
        info!(
            "keypulse {} watches {} at {}; API on {}; metrics and checks on {}; notify.mode = {}",
            env!("CARGO_PKG_VERSION"),
            self.profile.title,
            self.base_url(),
            doors.private_url(),
            doors.metrics_url(),
            post::configured(self.config.notify.mode).word()
        );
        let served = private::Private {
            store: checker.store.clone(),
            metrics: checker.metrics.clone(),
            clock: Arc::clone(&self.clock),
            effective: effective(&checker),
            pickup_within: self.config.custody.pickup_within,
        };
        self.recover(&checker).await;
        self.say_restored().await;
        let post = Post::of(self, &checker)?;
        post.begin(self, &checker.metrics).await?;
        let mut telling = post.start(shutdown);
        let signal = self.config.heartbeat.url.as_ref().map(Signal::to);
        let signal = signal.transpose().context("`heartbeat.url` cannot be used")?;
        let beside = tokio::spawn(self.beside(&checker, signal, shutdown));
        let _gate = checker.gate.keep_reading();
        let every = self.config.policy.interval.to_std().unwrap_or(RETRY);
        let looking = Box::pin(look::run(Arc::clone(&checker), every));
        let _clean = checker.source.keep_clean(&checker.gate);
        let provider = &self.config.provider;
        let api = self.api(&checker, shutdown)?;
        let console = console::of(self, &checker, api.clone())?;
        let pages = self.public(&checker, shutdown)?;
        if let (Some(here), Some(url)) = (doors.public_url(), &self.config.public.url) {
            info!("customers' pages on {here}, reached at {url}");
        }
        let judge = checker.settler.weather_judge();
        let judged = Box::pin(async move { judge.run().await });
        let canary = self.canary(&checker)?;
        let canary = Box::pin(async move {
            match canary {
                Some(canary) => canary.run(shutdown).await,
                None => std::future::pending().await,
            }
        });
        let measure_checker = Arc::clone(&checker);
        let noted = checker.metrics.clone();
        let published = (checker.store.clone(), checker.metrics.clone());
        let watch = Watch::new(checker, self.config.watch.concurrency.get(), provider.timeout)?;
        let pokes = Pokes { sweep: watch.poked(), ..Pokes::default() };
        let publish = Publish::new(published.0, published.1, Arc::clone(&pokes.audit));
        let measure = Measure::new(measure_checker, Arc::clone(&pokes.measure));
        let mut scheduler = cron::start(&pokes).await?;
        let ready = format!(
            "watching {}; metrics and checks on {}",
            self.profile.title,
            doors.metrics_url()
        );
        let serving = tokio::spawn(doors.serve(&api, &console, served, pages));
        self.supervisor.ready(&ready);
        tokio::select! {
            () = watch.run(shutdown) => {}
            () = self.keep_time() => {}
            () = judged => {}
            () = canary => {}
            () = measure.run() => {}
            () = publish.run() => {}
            () = looking => {}
            () = prune::run(&self.store, self.clock.as_ref()) => {}
            () = withdrawals::run(&self.store, &noted) => {}
        }
        if let Err(error) = scheduler.shutdown().await {
            warn!("the scheduler did not stop: {error}");
        }
        // Until the last check is saved, whoever asks gets an answer.
        serving.abort();
        while let Some(ended) = telling.join_next().await {
            if let Err(error) = ended {
                error!("a lane ended by itself: {error}");
            }
        }
        if let Err(error) = beside.await {
            error!("what runs beside the checks ended by itself: {error}");
        }
        info!("stopped");
        Ok(())
    }

    /// The API, with these tasks to do what it asks for.
    pub fn api(&self, checker: &Arc<Checker>, shutdown: &Shutdown) -> anyhow::Result<Api> {
        let counter = desk::Counter {
            checker: Arc::clone(checker),
            required: self.required_scopes(),
            requirement_said: self.config.provider.required_scopes.is_some(),
            custody: self.config.custody.mode,
            reconnect_url: self.config.connect.reconnect_url.clone(),
            guide: pages::guide(&self.config, &self.profile)?,
            links: self.links(),
            call: TimeDelta::from_std(self.config.provider.timeout)?,
            pickup_within: TimeDelta::from_std(self.config.custody.pickup_within)?,
            shutdown: shutdown.clone(),
        };
        let metrics = checker.metrics.clone();
        let desk = Arc::new(counter);
        let clock = Arc::clone(&self.clock);
        Ok(Api::new(self.store.clone(), clock, metrics, desk, self.words()?))
    }

    /// Puts right what a daemon that died or a wrong clock has left. If it cannot be done now, leases
    /// run out by themselves.
    async fn recover(&self, checker: &Checker) {
        let (alone, interval) = (self.instance.is_some(), self.config.policy.interval);
        match bounded(self.store.recover(alone, interval, self.clock.now())).await {
            Ok(Recovered { leases, brought_forward }) => {
                if leases > 0 {
                    info!(
                        "{leases} checks were under way when the daemon ended; they are made again"
                    );
                }
                if brought_forward > 0 {
                    warn!(
                        "{brought_forward} tenants were due by a clock that was ahead; they are \
                         asked within one interval"
                    );
                }
            }
            Err(error) => checker.count_store_error(&error),
        }
    }

    /// Says that the database was restored, as long as mail waits because of it.
    async fn say_restored(&self) {
        if let Ok(Some(restored)) = bounded(self.store.restored()).await {
            warn!(
                "this database was restored from {}, and mail is held: {} to be asked before \
                 `keypulse mail release`",
                restored.backup, restored.to_ask
            );
        }
    }

    /// The control, where one is configured.
    fn canary(&self, checker: &Arc<Checker>) -> anyhow::Result<Option<Canary>> {
        let Some(canary) = &self.config.canary else { return Ok(None) };
        let text = ApiKey::of(&canary.key).to_be_offered();
        let formed = format::judge(&text, &self.profile.key.prefixes);
        let formed = formed.context("`canary.key_file` holds no key that can be used")?;
        Ok(Some(Canary::new(Arc::clone(checker), formed.key, canary.company.clone())?))
    }

    /// What judges the watch loop from outside, until the soft stage of the shutdown.
    fn beside(
        &self,
        checker: &Arc<Checker>,
        signal: Option<Signal>,
        shutdown: &Shutdown,
    ) -> impl Future<Output = ()> + Send + use<> {
        let every = self.config.heartbeat.interval;
        let heartbeat = Heartbeat {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            pulse: Arc::clone(&checker.pulse),
            effective: effective(checker),
        };
        let heartbeat = async move {
            match signal {
                Some(signal) => heartbeat.run(signal, every).await,
                None => std::future::pending().await,
            }
        };
        let (supervisor, shutdown) = (self.supervisor.clone(), shutdown.clone());
        let watchdog = watchdog::run(supervisor.clone(), Arc::clone(&checker.pulse));
        async move {
            tokio::select! {
                () = watchdog => {}
                () = heartbeat => {}
                () = shutdown.begun() => {}
            }
            supervisor.stopping("ending: the checks under way are saved");
        }
    }

    /// Measures the server's clock for as long as it is awaited; rests where there is none.
    async fn keep_time(&self) {
        let Some(clock) = &self.server else { return std::future::pending().await };
        loop {
            sleep(MEASURE).await;
            match bounded(measure(&self.store)).await {
                Ok(Some((time, at))) => clock.measure(time, at),
                Ok(None) => {}
                Err(error) => warn!("the server's clock could not be read: {}", chain(&error)),
            }
        }
    }
}

/// What the interval is stretched to for so many tenants.
fn effective(checker: &Arc<Checker>) -> private::Effective {
    let checker = Arc::clone(checker);
    Arc::new(move |tenants| checker.effective_interval(tenants))
}

/// Takes the lock of the file, or refuses because another daemon has it.
async fn only_one(place: &Place, clock: &dyn Clock) -> Result<Option<Instance>, StoreError> {
    let mut tries = 1;
    loop {
        match Instance::take(place, std::process::id(), clock.now()) {
            Err(StoreError::Running { .. }) if tries < LOCK_TRIES => {
                tries += 1;
                sleep(LOCK_PAUSE).await;
            }
            other => return other,
        }
    }
}

async fn open_store(place: &Place, access: Access) -> Result<Store, StoreError> {
    let store = match access {
        Access::Make => Store::open(place).await?,
        Access::Look | Access::Copy => Store::open_existing(place).await?,
    };
    if access == Access::Copy {
        return Ok(store);
    }
    if access == Access::Make && store.dialect() == Dialect::Sqlite {
        store.migrate_up().await?;
    }
    store.check_schema().await?;
    Ok(store)
}

/// What the server's clock says, and when it said so: half way between question and answer.
async fn measure(store: &Store) -> Result<Option<(DateTime<Utc>, Instant)>, StoreError> {
    let asked = Instant::now();
    let time = store.server_time().await?;
    Ok(time.map(|time| (time, asked + asked.elapsed() / 2)))
}

/// The configured place of the store.
pub fn place(config: &Config) -> anyhow::Result<Place> {
    Ok(Place::parse(&config.store.url)?)
}

/// Where it is noted what must never come back, if anywhere.
pub fn withdrawn_file(config: &Config, place: &Place) -> Option<PathBuf> {
    config.store.withdrawn_file.clone().or_else(|| place.withdrawn_file())
}

/// The configured master key.
pub fn master_key(config: &Config) -> anyhow::Result<MasterKey> {
    match (&config.keyring.master_key, &config.keyring.master_key_file) {
        (Some(text), _) => Ok(MasterKey::parse(text)?),
        (None, Some(path)) => Ok(MasterKey::read_file(path)?),
        (None, None) => bail!(
            "there is no master key: make one with `keypulse keyring new --out FILE`, keep a copy \
             of it apart from the database, and name it in `keyring.master_key_file` \
             (KEYPULSE__KEYRING__MASTER_KEY_FILE)"
        ),
    }
}
