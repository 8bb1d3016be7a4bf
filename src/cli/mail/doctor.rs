//! `keypulse mail doctor`: the relay as it answers, and the sender as receivers see it.

use std::process::ExitCode;

use url::{Host, Url};

use crate::app::mailer;
use crate::config::{Config, MailRoad};
use crate::notify::mail::{Failed, Finding, Level as How, Mailer, Names, Step, Why, look, related};

use super::super::check::{self, Check, Level};

/// Looks, and says what was seen.
pub async fn run(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    check::report(&checks(config).await, json)
}

async fn checks(config: &Config) -> Vec<Check> {
    let mut checks = vec![relay(config).await];
    let Some(domain) = mailer::domain(config) else { return checks };
    match Names::of(config.mail.dns) {
        Ok(names) => {
            let found = look(&names, &domain, config.mail.dkim_selector.as_deref()).await;
            for (name, finding) in ["SPF", "DKIM", "DMARC"].into_iter().zip(found) {
                checks.push(of(name, finding));
            }
        }
        Err(error) => checks.push(Check::refused("DNS", &error)),
    }
    checks.push(link(config, &domain));
    checks
}

/// Everything that comes before a mail: connection, TLS, greeting, signing in.
pub async fn relay(config: &Config) -> Check {
    let mailer = match mailer::of(config) {
        Ok(Some(mailer)) => mailer,
        Ok(None) => {
            return Check::warning(
                "mail",
                "neither `mail.host` nor `mail.dir` is set: customers cannot be written to",
                "name the relay in `mail.host` and the sender in `mail.from`",
            );
        }
        Err(error) => return Check::refused("mail", error.as_ref()),
    };
    let mut taken = Vec::new();
    match mailer.knock(&mut taken).await {
        Err(failed) => Check::problem("mail", said(&mailer, &failed), to_do(&failed)),
        Ok(()) if is_folder(config) => Check::warning(
            "mail",
            format!("mails are written into {}: no customer gets one", mailer.host()),
            "set `mail.host` in the place of `mail.dir` when you go live",
        ),
        Ok(()) => {
            let signed = if taken.contains(&Step::Auth) {
                "and lets keypulse sign in"
            } else {
                "without signing in"
            };
            let tls = if taken.contains(&Step::Tls) { "in TLS" } else { "in clear" };
            Check::ok("mail", format!("{} answers {tls} {signed}", mailer.host()))
        }
    }
}

fn is_folder(config: &Config) -> bool {
    let road = config.mail.sending.as_ref().map(|sending| &sending.road);
    matches!(road, Some(MailRoad::Folder(_)))
}

fn said(mailer: &Mailer, failed: &Failed) -> String {
    format!("{}: {failed}", mailer.host())
}

fn to_do(failed: &Failed) -> &'static str {
    match (failed.step, failed.why) {
        (_, Why::NotTrusted) => {
            "name the authority of its certificate in `mail.ca_file`, and see that `mail.host` is a \
             name in the certificate"
        }
        (Step::Tls, Why::NotOffered) => {
            "use a port where the relay speaks TLS: `mail.tls = \"required\"` and mostly 465"
        }
        (Step::Tls, _) => {
            "see whether `mail.port` and `mail.tls` belong together: mostly `required` with 465 and \
             `starttls` with 587"
        }
        (Step::Auth, Why::NotOffered) => {
            "the relay offers neither PLAIN nor LOGIN: use a port for submission, or leave out \
             `mail.username`"
        }
        (Step::Auth, _) => "see `mail.username` and the file of `mail.password_file`",
        (_, Why::NoFolder) => "make the folder of `mail.dir`, writable for keypulse",
        (_, Why::NoSuchHost) => "see `mail.host` and the name resolution of this machine",
        (Step::Connect, _) => "see `mail.host`, `mail.port` and the firewall",
        _ => "try again; if it stays so, ask whoever runs the relay",
    }
}

/// Whether the link in a mail looks as if it were of the sender.
fn link(config: &Config, domain: &str) -> Check {
    let page = config.public.url.as_ref().and_then(Url::host).map(|host| host.to_owned());
    let theirs = || {
        let template = config.connect.reconnect_url.as_ref()?.replace("{ref}", "x");
        Url::parse(&template).ok()?.host().map(|host| host.to_owned())
    };
    match page.or_else(theirs) {
        None => Check::warning(
            "link",
            "mails have no link: neither `public.url` nor `connect.reconnect_url` is set",
            "say in one of them where a customer gives a new key",
        ),
        Some(Host::Domain(host)) => of("link", related(&host, domain)),
        Some(host) => Check::warning(
            "link",
            format!("the link leads to {host}, which is no name"),
            "give the pages a name in the sender's domain, with a certificate",
        ),
    }
}

fn of(name: &'static str, finding: Finding) -> Check {
    let level = match finding.level {
        How::Ok => Level::Ok,
        How::Warning => Level::Warning,
        How::Problem => Level::Problem,
    };
    Check { name, level, says: finding.says, to_do: finding.to_do }
}
