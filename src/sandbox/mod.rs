//! A stand-in for Pleo's documented API with faults on demand: for the demo, the tests, the
//! benchmarks and the user's own rehearsals.
//!
//! Two listeners: the API, and a control port that changes the world and tells what was asked.
//! Companies, keys and ids follow from a seed; a key carries its tenant's number under a MAC, so a
//! million tenants take 20 bytes each. It knows nothing of the daemon that is tested with it.

mod api;
mod body;
mod change;
mod connection;
mod control;
mod counts;
mod fault;
mod fault_reply;
mod faults;
mod gzip;
mod key;
mod keys_file;
mod mix;
mod names;
mod scope;
mod tenant;
mod uuid;
mod view;
mod window;
mod world;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use url::Url;

pub use self::change::{Applied, Change, ChangeError, Company};
pub use self::counts::{CallCounts, Counts};
pub use self::fault::{Call, Calls, Fault, FaultKind, FaultView, RetryAfter};
pub use self::key::KeyKind;
pub use self::scope::{Scope, UnknownScope};
pub use self::tenant::{InstallationError, InstallationStatus, KeyState, Reach};
pub use self::view::{CompanyView, TenantView};
pub use self::window::Busiest;
pub use self::world::World;
use crate::clock::Clock;

/// What a sandbox is made of.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where the API listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the control port listens: a loopback address.
    pub control: SocketAddr,
    /// How many tenants there are.
    pub tenants: u32,
    /// What companies and keys follow from.
    pub seed: u64,
}

/// A running sandbox. Dropped, it ends.
#[derive(Debug)]
pub struct Sandbox {
    world: World,
    base_url: Url,
    control_url: Url,
    api: connection::Listening,
    control: connection::Listening,
}

impl Sandbox {
    /// Binds both listeners and serves until stopped or dropped.
    pub async fn start(options: Options, clock: Arc<dyn Clock>) -> Result<Self, SandboxError> {
        if !options.control.ip().is_loopback() {
            return Err(SandboxError::ControlNotLoopback(options.control));
        }
        let (api, control) = (bind(options.listen).await?, bind(options.control).await?);
        let world = World::new(options.tenants, options.seed, clock);
        let failed = |address| move |source| SandboxError::Bind { address, source };
        let served = world.clone();
        let api = connection::Listening::start(api, move |stream| {
            connection::api(stream, served.clone())
        })
        .map_err(failed(options.listen))?;
        let router = control::router(world.clone());
        let control = connection::Listening::start(control, move |stream| {
            connection::control(stream, router.clone())
        })
        .map_err(failed(options.control))?;
        Ok(Self {
            world,
            base_url: url(api.address)?,
            control_url: url(control.address)?,
            api,
            control,
        })
    }

    /// Where the API answers, such as `http://127.0.0.1:4010/`.
    pub fn base_url(&self) -> Url {
        self.base_url.clone()
    }

    /// Where the control port answers.
    pub fn control_url(&self) -> Url {
        self.control_url.clone()
    }

    /// The world behind it: the same changes as on the control port, in process.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Closes listeners and connections, and waits until they are closed.
    pub async fn stop(self) {
        self.api.stop().await;
        self.control.stop().await;
    }
}

/// Runs a sandbox until `shutdown`: binds, writes every key to `keys_out` (a new file, readable by
/// its owner only), then calls `ready`.
pub async fn serve(
    options: Options,
    clock: Arc<dyn Clock>,
    keys_out: Option<&Path>,
    ready: impl FnOnce(&Sandbox),
    shutdown: impl Future<Output = ()>,
) -> Result<(), SandboxError> {
    let sandbox = Sandbox::start(options, clock).await?;
    if let Some(path) = keys_out {
        let (world, target) = (sandbox.world.clone(), path.to_owned());
        tokio::task::spawn_blocking(move || keys_file::write(&world, &target))
            .await
            .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
            .map_err(|source| SandboxError::KeysFile { path: path.to_owned(), source })?;
    }
    ready(&sandbox);
    shutdown.await;
    sandbox.stop().await;
    Ok(())
}

/// Why a sandbox does not run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The control port changes everything and asks nobody who they are.
    #[error("the control port may listen on a loopback address only, not on {0}")]
    ControlNotLoopback(SocketAddr),
    /// An address could not be bound.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The keys could not be written.
    #[error("cannot write the keys to {}: a new file is wanted, none is overwritten", path.display())]
    KeysFile {
        /// Where to.
        path: PathBuf,
        /// Why; `AlreadyExists` when there is a file.
        #[source]
        source: io::Error,
    },
    /// The bound address makes no URL.
    #[error("{0} makes no URL")]
    Address(SocketAddr),
}

async fn bind(address: SocketAddr) -> Result<TcpListener, SandboxError> {
    TcpListener::bind(address).await.map_err(|source| SandboxError::Bind { address, source })
}

/// An address to call: "every address of this machine" is no such thing, loopback is.
fn url(bound: SocketAddr) -> Result<Url, SandboxError> {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Url::parse(&format!("http://{}", SocketAddr::new(ip, bound.port())))
        .map_err(|_| SandboxError::Address(bound))
}
