//! `[mail]`: by what road mail goes, and in whose name.

use std::net::IpAddr;

use super::error::ConfigError;
use super::load::{call_timeout, path, secret_file, word};
use super::reader::Reader;
use super::sections::{Login, Mail, MailRoad, MailTls, Mailbox, Relay, Sending};
use super::written::{Refusal, Written};

/// The most that a cap may allow.
const MOST: u32 = 1_000_000;

/// The longest address that SMTP can carry.
const LONGEST_ADDRESS: usize = 254;

/// The longest name of a sender.
const LONGEST_NAME: usize = 100;

pub(super) fn mail(reader: &mut Reader) -> Result<Mail, ConfigError> {
    Ok(Mail {
        sending: sending(reader)?,
        timeout: reader.required("mail.timeout", call_timeout)?,
        most_per_hour: reader.required("mail.most_per_hour", |written| written.count(MOST))?,
        most_per_tenant_per_hour: reader
            .required("mail.most_per_tenant_per_hour", |written| written.count(MOST))?,
        dkim_selector: reader.optional("mail.dkim_selector", |written| {
            written.text("be the name before `._domainkey`, such as `s1`", selector)
        })?,
        dns: reader.optional("mail.dns", |written| {
            let must = "be an IP address and a port, such as `9.9.9.9:53` or `[2620:fe::fe]:53`";
            written.text(must, |text| text.parse().ok())
        })?,
        templates_dir: reader.optional("mail.templates_dir", path)?,
    })
}

fn sending(reader: &mut Reader) -> Result<Option<Sending>, ConfigError> {
    let relay = relay(reader)?;
    let dir = reader.optional("mail.dir", path)?;
    let from = reader.optional("mail.from", mailbox)?;
    let reply_to = reader.optional("mail.reply_to", mailbox)?;
    let road = match (relay, dir) {
        (Some(_), Some(_)) => {
            let must = "be left out where `mail.host` is set: a mail goes to one of the two";
            return Err(reader.refuse("mail.dir", must));
        }
        (Some(relay), None) => MailRoad::Relay(relay),
        (None, Some(dir)) => MailRoad::Folder(dir),
        (None, None) => return Ok(None),
    };
    let Some(from) = from else {
        let key = if matches!(road, MailRoad::Relay(_)) { "mail.host" } else { "mail.dir" };
        let must = "stand together with `mail.from`, which is not set";
        return Err(reader.refuse(key, must));
    };
    Ok(Some(Sending { road, from, reply_to }))
}

fn relay(reader: &mut Reader) -> Result<Option<Relay>, ConfigError> {
    let host = reader.optional("mail.host", |written| {
        written.text("be a host name or an IP address, without a port", host)
    })?;
    let port = reader.optional("mail.port", |written| {
        let must = "be a whole number from 1 to 65535";
        let count = written.count(u16::MAX.into()).ok();
        count.and_then(|port| u16::try_from(port.get()).ok()).ok_or_else(|| written.refuse(must))
    })?;
    let tls = reader.required("mail.tls", |written| {
        written.text("be `required`, `starttls` or `none`", |text| match text {
            "required" => Some(MailTls::Required),
            "starttls" => Some(MailTls::StartTls),
            "none" => Some(MailTls::None),
            _ => None,
        })
    })?;
    let ca_file = reader.optional("mail.ca_file", path)?;
    let username = reader.optional("mail.username", |written| {
        written.text("be a text of one line that is not empty", |text| {
            (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
        })
    })?;
    let password = secret_file(reader, "mail.password_file")?;
    let login = match (username, password) {
        (Some(username), Some(password)) => Some(Login { username, password }),
        (None, None) => None,
        (Some(_), None) => {
            let must = "stand together with `mail.password_file`, which is not set";
            return Err(reader.refuse("mail.username", must));
        }
        (None, Some(_)) => {
            let must = "stand together with `mail.username`, which is not set";
            return Err(reader.refuse("mail.password_file", must));
        }
    };
    let Some(host) = host else { return Ok(None) };
    if tls == MailTls::None && !stays_here(&host) {
        let must = "be `required` or `starttls`: `none` is for this machine only (127.0.0.1, ::1, \
                    localhost)";
        return Err(reader.refuse("mail.tls", must));
    }
    let port = port.unwrap_or(match tls {
        MailTls::Required => 465,
        MailTls::StartTls => 587,
        MailTls::None => 25,
    });
    Ok(Some(Relay { host, port, tls, ca_file, login }))
}

/// A name or an address; an IPv6 address with or without its brackets, which are taken away.
fn host(text: &str) -> Option<String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() {
        return Some(bare.to_owned());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let fits = text.len() <= 253 && text.trim_end_matches('.').split('.').all(label);
    fits.then(|| text.trim_end_matches('.').to_ascii_lowercase())
}

fn stays_here(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn selector(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (text.len() <= 100 && text.chars().all(fits)).then(|| word(text)).flatten()
}

fn mailbox(written: &Written) -> Result<Mailbox, Refusal> {
    written.text("be `Name <name@example.com>` or `name@example.com`, in one line", |text| {
        if text.contains(char::is_control) {
            return None;
        }
        let Some((name, rest)) = text.rsplit_once('<') else {
            return Some(Mailbox { name: None, address: address(text.trim())? });
        };
        let address = address(rest.trim().strip_suffix('>')?)?;
        let name = name.trim();
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        let fits = name.chars().count() <= LONGEST_NAME && !name.contains(['<', '>', '"']);
        fits.then(|| Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), address })
    })
}

/// What is no address at all; the rest is said by whoever writes to it.
fn address(text: &str) -> Option<String> {
    let (user, domain) = text.split_once('@')?;
    let fits = !user.is_empty() && !domain.is_empty() && !domain.contains('@');
    let strange = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '\\');
    (fits && text.len() <= LONGEST_ADDRESS && !text.contains(strange)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Mailbox> {
        mailbox(&Written::Text(text.to_owned().into())).ok()
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        let named =
            |name: &str| Mailbox { name: Some(name.to_owned()), address: "a@b.example".to_owned() };
        assert_eq!(read("a@b.example"), Some(Mailbox { name: None, ..named("") }));
        assert_eq!(read("<a@b.example>"), Some(Mailbox { name: None, ..named("") }));
        assert_eq!(read("Acme ERP <a@b.example>"), Some(named("Acme ERP")));
        assert_eq!(read("\"Acme, Inc.\" <a@b.example>"), Some(named("Acme, Inc.")));
        for bad in [
            "",
            "Acme",
            "a@",
            "@b.example",
            "a@b@c.example",
            "a b@c.example",
            "Acme <a@b.example",
            "Acme <a@b.example> more",
            "Acme\r\nBcc: x@y.example <a@b.example>",
            "a@b.example, c@d.example",
            "A <a@b.example>, B <c@d.example>",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_relay_is_a_name_or_an_address_and_no_more() {
        for (written, read) in [
            ("SMTP.example.com", "smtp.example.com"),
            ("localhost", "localhost"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(host(written).as_deref(), Some(read));
        }
        for bad in ["", "smtp.example.com:465", "smtp://example.com", "a b", "-x.example", "a..b"] {
            assert_eq!(host(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_clear() {
        for here in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(stays_here(here), "{here}");
        }
        for there in ["localhost.example.com", "192.168.0.1", "0.0.0.0", "::", "smtp.example.com"] {
            assert!(!stays_here(there), "{there}");
        }
    }
}
