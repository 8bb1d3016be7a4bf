//! Who sends mail, as it is configured.

use std::fs;

use anyhow::Context;

use crate::config::{Config, MailRoad, MailTls, Mailbox};
use crate::notify::Mailer;
use crate::notify::mail::{Address, RelaySettings, Road, Settings, Tls};

/// The mailer of the configuration; none where it names neither a relay nor a folder. Nobody is
/// spoken to yet.
pub fn of(config: &Config) -> anyhow::Result<Option<Mailer>> {
    let Some(sending) = &config.mail.sending else { return Ok(None) };
    let road = match &sending.road {
        MailRoad::Folder(folder) => Road::Folder(folder.clone()),
        MailRoad::Relay(relay) => {
            let ca = relay.ca_file.as_ref().map(fs::read).transpose();
            Road::Relay(RelaySettings {
                host: relay.host.clone(),
                port: relay.port,
                tls: match relay.tls {
                    MailTls::Required => Tls::Required,
                    MailTls::StartTls => Tls::StartTls,
                    MailTls::None => Tls::None,
                },
                ca: ca.context("the file that `mail.ca_file` names cannot be read")?,
                login: relay
                    .login
                    .as_ref()
                    .map(|login| (login.username.clone(), login.password.clone())),
                timeout: config.mail.timeout,
            })
        }
    };
    let from = mailbox(&sending.from).context("`mail.from` cannot be used")?;
    let reply_to = sending.reply_to.as_ref().map(mailbox).transpose();
    let reply_to = reply_to.context("`mail.reply_to` cannot be used")?;
    Ok(Some(Mailer::new(Settings { road, from, reply_to })?))
}

/// The domain in whose name mail is written, where any is.
pub fn domain(config: &Config) -> Option<String> {
    let sending = config.mail.sending.as_ref()?;
    Address::read(&sending.from.address).ok().map(|address| address.domain().to_owned())
}

fn mailbox(mailbox: &Mailbox) -> anyhow::Result<(Option<String>, Address)> {
    Ok((mailbox.name.clone(), Address::read(&mailbox.address)?))
}
