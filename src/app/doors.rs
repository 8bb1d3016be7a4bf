//! The listeners of a running daemon: which there are, how each is covered, and what is served there.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::http::api::Api;
use crate::http::console::Console;
use crate::http::listener::{self, Cover};
use crate::http::private::{self, Private};
use crate::http::public::{self, Public};
use crate::http::tls::Tls;

/// The listeners, open.
#[derive(Debug)]
pub struct Doors {
    private: Door,
    /// Of the metrics and checks, where they have one of their own.
    metrics: Option<Door>,
    /// Of the customers' pages, where they are served.
    public: Option<Door>,
}

#[derive(Debug)]
struct Door {
    listener: TcpListener,
    address: SocketAddr,
    cover: Cover,
}

/// Says how the private listener is covered; refuses what would be open to others without TLS, and
/// a pair of files that cannot be used.
pub fn check(config: &Config) -> anyhow::Result<Cover> {
    let cover = match (&config.private.tls, config.private.behind_tls_proxy) {
        (Some(files), _) => Cover::Tls(
            Tls::load(&files.cert, &files.key)
                .context("`private.tls_cert` and `private.tls_key` cannot be used")?,
        ),
        (None, true) => Cover::Proxy,
        (None, false) => Cover::None,
    };
    listener::check("private.listen", config.private.listen, &cover)?;
    if let Some(address) = config.metrics.listen {
        listener::check("metrics.listen", address, &beside(address, &cover))?;
    }
    if config.public.url.is_some() {
        listener::check("public.listen", config.public.listen, &public_cover(config)?)?;
    }
    Ok(cover)
}

/// How the customers' listener is covered.
fn public_cover(config: &Config) -> anyhow::Result<Cover> {
    Ok(match (&config.public.tls, config.public.behind_tls_proxy) {
        (Some(files), _) => Cover::Tls(
            Tls::load(&files.cert, &files.key)
                .context("`public.tls_cert` and `public.tls_key` cannot be used")?,
        ),
        (None, true) => Cover::Proxy,
        (None, false) => Cover::None,
    })
}

/// Who scrapes on this machine speaks no TLS.
fn beside(address: SocketAddr, cover: &Cover) -> Cover {
    if address.ip().is_loopback() { Cover::None } else { cover.clone() }
}

impl Doors {
    /// Opens them as they are configured.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let cover = check(config)?;
        let metrics = match config.metrics.listen {
            Some(address) => {
                Some(Door::open("metrics.listen", address, beside(address, &cover)).await?)
            }
            None => None,
        };
        let private = Door::open("private.listen", config.private.listen, cover).await?;
        let public = match config.public.url {
            Some(_) => {
                let cover = public_cover(config)?;
                Some(Door::open("public.listen", config.public.listen, cover).await?)
            }
            None => None,
        };
        Ok(Self { private, metrics, public })
    }

    /// Where the API is.
    pub fn private_url(&self) -> String {
        self.private.url()
    }

    /// Where the metrics and checks are.
    pub fn metrics_url(&self) -> String {
        self.metrics.as_ref().unwrap_or(&self.private).url()
    }

    /// Where the customers' pages are served, if they are.
    pub fn public_url(&self) -> Option<String> {
        self.public.as_ref().map(Door::url)
    }

    /// Serves for as long as it is awaited; the pages where they have a listener.
    pub fn serve(
        self,
        api: &Api,
        console: &Console,
        watched: Private,
        pages: Option<Public>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let Self { private, metrics, public } = self;
        let (here, apart) = match &metrics {
            Some(_) => {
                (private::router(api, console, None), Some(private::watched_router(watched)))
            }
            None => (private::router(api, console, Some(watched)), None),
        };
        let fresh = private.cover.clone();
        async move {
            let beside = async {
                match (metrics, apart) {
                    (Some(door), Some(router)) => {
                        listener::serve(door.listener, router, door.cover).await;
                    }
                    _ => std::future::pending().await,
                }
            };
            let customers = async {
                match (public, pages) {
                    (Some(door), Some(pages)) => {
                        let router = public::router(pages);
                        tokio::join!(
                            listener::serve(door.listener, router, door.cover.clone()),
                            keep_fresh(&door.cover),
                        );
                    }
                    _ => std::future::pending().await,
                }
            };
            let private = listener::serve(private.listener, here, private.cover);
            tokio::join!(private, beside, keep_fresh(&fresh), customers);
        }
    }
}

/// Reads the files of a listener again whenever they change, for as long as it is awaited.
async fn keep_fresh(cover: &Cover) {
    match cover {
        Cover::Tls(tls) => tls.keep_fresh().await,
        Cover::None | Cover::Proxy => std::future::pending().await,
    }
}

impl Door {
    async fn open(key: &'static str, address: SocketAddr, cover: Cover) -> anyhow::Result<Self> {
        let listener = listener::bind(key, address, &cover).await?;
        let address = listener.local_addr().context("a listener has no address")?;
        Ok(Self { listener, address, cover })
    }

    fn url(&self) -> String {
        let scheme = if matches!(self.cover, Cover::Tls(_)) { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }
}
