//! Asks the DNS for the texts that a domain publishes.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use tokio::time::timeout;

/// The most that one question may take, with every try.
const PATIENCE: Duration = Duration::from_secs(15);

/// The most of one text that is looked at, in bytes.
const LONGEST: usize = 8 * 1024;

/// Whom to ask.
pub struct Names(TokioResolver);

/// Nobody can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system does not say whom to ask about names: see /etc/resolv.conf, or set `mail.dns`")]
pub struct NoNames;

/// What is published under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Texts {
    /// These texts; none, where there is nothing.
    Published(Vec<String>),
    /// Nobody answered.
    NoAnswer,
}

impl Names {
    /// Asks that server, or those that the system asks.
    pub fn of(server: Option<SocketAddr>) -> Result<Self, NoNames> {
        let builder = match server {
            Some(server) => {
                let at = |mut way: ConnectionConfig| {
                    way.port = server.port();
                    way
                };
                let ways = vec![at(ConnectionConfig::udp()), at(ConnectionConfig::tcp())];
                let server = NameServerConfig::new(server.ip(), true, ways);
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => TokioResolver::builder_tokio().map_err(|_| NoNames)?,
        };
        builder.build().map(Self).map_err(|_| NoNames)
    }

    /// What is published under this name, which is whole: nothing is added to it.
    pub async fn texts(&self, name: &str) -> Texts {
        match timeout(PATIENCE, self.0.txt_lookup(format!("{name}."))).await {
            Ok(Ok(found)) => {
                let texts = found.answers().iter().filter_map(|record| match &record.data {
                    RData::TXT(text) => {
                        let whole = text.txt_data.concat();
                        let whole = &whole[..whole.len().min(LONGEST)];
                        Some(String::from_utf8_lossy(whole).into_owned())
                    }
                    _ => None,
                });
                Texts::Published(texts.collect())
            }
            Ok(Err(error)) if error.is_no_records_found() || error.is_nx_domain() => {
                Texts::Published(Vec::new())
            }
            Ok(Err(_)) | Err(_) => Texts::NoAnswer,
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}
