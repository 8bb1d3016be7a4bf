//! What a sender's domain publishes about mail in its name, judged: by it, receivers tell a mail of
//! ours from one of somebody else. A pure function of the texts; who asks for them is `dns.rs`.
//!
//! It looks at what keypulse can know. Whether SPF covers the relay, and whether the relay signs,
//! only a mail that was received can show.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::dns::{Names, Texts};

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Mail goes out, and may be doubted.
    Warning,
    /// Mail is likely not to arrive.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub level: Level,
    /// What was seen.
    pub says: String,
    /// What to do, where something is to be done.
    pub to_do: Option<String>,
}

/// An RSA key of 2048 bits takes 294 bytes as it is published; one of 1024 takes 162.
const SHORT_KEY: usize = 250;

/// Asks for the three and judges them.
pub async fn look(names: &Names, domain: &str, selector: Option<&str>) -> [Finding; 3] {
    let spf = spf(domain, &names.texts(domain).await);
    let dkim = match selector {
        Some(selector) => {
            let name = format!("{selector}._domainkey.{domain}");
            dkim(&name, &names.texts(&name).await)
        }
        None => unknown_selector(domain),
    };
    let mut policy = (domain, names.texts(&format!("_dmarc.{domain}")).await);
    // A domain without a policy of its own has that of the one above.
    let mut above = domain;
    while let Some((_, rest)) = above.split_once('.').filter(|(_, rest)| rest.contains('.')) {
        let Texts::Published(texts) = &policy.1 else { break };
        if texts.iter().any(|text| is_dmarc(text)) {
            break;
        }
        policy = (rest, names.texts(&format!("_dmarc.{rest}")).await);
        above = rest;
    }
    [spf, dkim, dmarc(domain, policy.0, &policy.1)]
}

/// Who may send in the domain's name.
pub fn spf(domain: &str, texts: &Texts) -> Finding {
    let Texts::Published(texts) = texts else { return no_answer(domain) };
    let is_spf = |text: &&String| {
        let lower = text.to_ascii_lowercase();
        lower == "v=spf1" || lower.starts_with("v=spf1 ")
    };
    let found: Vec<_> = texts.iter().filter(is_spf).collect();
    let [one] = found[..] else {
        return if found.is_empty() {
            problem(
                format!("{domain} does not say who may send in its name"),
                format!(
                    "publish a TXT record of {domain} that begins with `v=spf1`, names your relay as \
                     its provider tells you, and ends with `-all`"
                ),
            )
        } else {
            problem(
                format!(
                    "{domain} says {} times who may send in its name: that counts as none",
                    found.len()
                ),
                "leave one TXT record that begins with `v=spf1`, with all that the others name",
            )
        };
    };
    let words: Vec<_> = one.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
    let last = words.iter().find(|word| word.ends_with("all") && word.len() <= 4);
    match last.map(String::as_str) {
        Some("+all" | "all") => problem(
            format!("{domain} lets everybody send in its name (`+all`)"),
            "end the record with `-all`, after what names your relay",
        ),
        Some("-all" | "~all") => ok(format!(
            "{domain} says who may send in its name; whether that covers the relay, a mail that you \
             receive shows (`spf=pass`)"
        )),
        _ if words.iter().any(|word| word.starts_with("redirect=")) => {
            ok(format!("{domain} leaves it to another domain who may send in its name"))
        }
        _ => warning(
            format!("{domain} names senders, and says nothing of all others"),
            "end the record with `-all`",
        ),
    }
}

/// The key that the relay signs with.
pub fn dkim(name: &str, texts: &Texts) -> Finding {
    let Texts::Published(texts) = texts else { return no_answer(name) };
    let tag = |text: &str, wanted: &str| {
        text.split(';').find_map(|part| {
            let (name, value) = part.split_once('=')?;
            (name.trim() == wanted).then(|| value.split_whitespace().collect::<String>())
        })
    };
    let Some((key, text)) = texts.iter().find_map(|text| Some((tag(text, "p")?, text))) else {
        return problem(
            format!("there is no key at {name}: what the relay signs cannot be verified"),
            "publish the record that the relay's provider shows, or correct `mail.dkim_selector`",
        );
    };
    if key.is_empty() {
        return problem(
            format!("the key at {name} is revoked (`p=` is empty)"),
            "publish the key that the relay signs with",
        );
    }
    let Ok(bytes) = STANDARD.decode(&key) else {
        return problem(
            format!("the key at {name} cannot be read"),
            "copy the record again from the relay's provider, without line ends and quotation marks",
        );
    };
    let rsa = tag(text, "k").is_none_or(|kind| kind.eq_ignore_ascii_case("rsa"));
    if rsa && bytes.len() < SHORT_KEY {
        return warning(
            format!("the key at {name} is short: receivers may not believe it"),
            "let the relay sign with an RSA key of at least 2048 bits",
        );
    }
    if tag(text, "t").is_some_and(|flags| flags.split(':').any(|flag| flag == "y")) {
        return warning(
            format!("the key at {name} is marked as a test (`t=y`): receivers may not count it"),
            "take `t=y` out of the record",
        );
    }
    ok(format!(
        "there is a key at {name}; that the relay signs with it, a mail shows (`dkim=pass`)"
    ))
}

/// What receivers are to do with mail that is neither.
pub fn dmarc(domain: &str, at: &str, texts: &Texts) -> Finding {
    let Texts::Published(texts) = texts else { return no_answer(&format!("_dmarc.{at}")) };
    let found: Vec<_> = texts.iter().filter(|text| is_dmarc(text)).collect();
    let [one] = found[..] else {
        return if found.is_empty() {
            warning(
                format!("{domain} does not say what becomes of mail that is not its own"),
                format!(
                    "publish a TXT record of _dmarc.{domain}, to begin with `v=DMARC1; p=none; \
                     rua=mailto:` and an address for reports; large receivers ask for one"
                ),
            )
        } else {
            problem(
                format!("_dmarc.{at} has {} policies: that counts as none", found.len()),
                "leave one TXT record that begins with `v=DMARC1`",
            )
        };
    };
    let policy = one.split(';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        (name.trim() == "p").then(|| value.trim().to_ascii_lowercase())
    });
    match policy.as_deref() {
        Some("none") => ok(format!("{at} asks for reports only (`p=none`)")),
        Some("quarantine" | "reject") => {
            ok(format!("{at} has what is not its own put aside or refused"))
        }
        _ => problem(
            format!("the policy at _dmarc.{at} cannot be read: that counts as none"),
            "give it `p=none`, `p=quarantine` or `p=reject`",
        ),
    }
}

/// Whether the link in a mail and its sender belong together for a reader, and for filters.
pub fn related(link: &str, sender: &str) -> Finding {
    if is_related(link, sender) {
        return ok(format!("the link ({link}) and the sender ({sender}) are of one domain"));
    }
    warning(
        format!(
            "the link leads to {link} and the sender is of {sender}: readers who were taught about \
             phishing, and filters, doubt that"
        ),
        format!("serve the pages below {sender}, or write from the domain of {link}"),
    )
}

/// Under these, in a country's domain, everybody has a name of their own.
const SHARED: [&str; 10] = ["ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"];

/// Whether two names are of one domain: the one is within the other, or both are within a third.
/// Without a list of public suffixes this goes by looks: `co.uk` and its like are nobody's domain.
fn is_related(one: &str, other: &str) -> bool {
    let labels = |name: &str| {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        name.split('.').rev().map(str::to_owned).collect::<Vec<_>>()
    };
    let (one, other) = (labels(one), labels(other));
    let common: Vec<_> =
        one.iter().zip(&other).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    let within = common.len() == one.len().min(other.len());
    match common[..] {
        [] | [_] => one == other,
        [top, second] => within || top.len() > 2 || !SHARED.contains(&second.as_str()),
        _ => true,
    }
}

fn is_dmarc(text: &str) -> bool {
    let version = text.split(';').next().unwrap_or_default();
    version.split_whitespace().collect::<String>().eq_ignore_ascii_case("v=DMARC1")
}

fn unknown_selector(domain: &str) -> Finding {
    warning(
        format!("it cannot be known whether mail of {domain} is signed"),
        "ask the relay's provider for the DKIM selector and set `mail.dkim_selector`; a mail that you \
         receive shows it as `s=` in its DKIM-Signature",
    )
}

fn no_answer(name: &str) -> Finding {
    warning(
        format!("nobody answered what {name} publishes"),
        "look at the DNS of this machine, or set `mail.dns`; then ask again",
    )
}

fn ok(says: String) -> Finding {
    Finding { level: Level::Ok, says, to_do: None }
}

fn warning(says: String, to_do: impl Into<String>) -> Finding {
    Finding { level: Level::Warning, says, to_do: Some(to_do.into()) }
}

fn problem(says: String, to_do: impl Into<String>) -> Finding {
    Finding { level: Level::Problem, says, to_do: Some(to_do.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Texts {
        Texts::Published(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn spf_is_one_record_that_ends_with_a_word_about_all_others() {
        for (published, level) in [
            (&["v=spf1 include:relay.example -all"][..], Level::Ok),
            (&["V=SPF1 ip4:192.0.2.1 ~all", "something else"], Level::Ok),
            (&["v=spf1 redirect=_spf.example"], Level::Ok),
            (&["v=spf1 include:relay.example"], Level::Warning),
            (&["v=spf1 ?all"], Level::Warning),
            (&["v=spf1 +all"], Level::Problem),
            (&["v=spf1 all"], Level::Problem),
            (&["v=spf1 -all", "v=spf1 -all"], Level::Problem),
            (&["v=spf10 -all"], Level::Problem),
            (&[], Level::Problem),
        ] {
            assert_eq!(spf("acme.example", &texts(published)).level, level, "{published:?}");
        }
        assert_eq!(spf("acme.example", &Texts::NoAnswer).level, Level::Warning);
    }

    #[test]
    fn a_dkim_key_is_there_long_enough_and_meant() {
        let (long, short) = (STANDARD.encode([7; 294]), STANDARD.encode([7; 162]));
        for (published, level) in [
            (format!("v=DKIM1; k=rsa; p={long}"), Level::Ok),
            (format!("p={long}"), Level::Ok),
            (format!("k=ed25519; p={}", STANDARD.encode([7; 32])), Level::Ok),
            (format!("v=DKIM1; p={} {}", &long[..100], &long[100..]), Level::Ok),
            (format!("v=DKIM1; p={short}"), Level::Warning),
            (format!("v=DKIM1; t=y:s; p={long}"), Level::Warning),
            ("v=DKIM1; p=".to_owned(), Level::Problem),
            ("v=DKIM1; p=\"broken".to_owned(), Level::Problem),
            ("hello".to_owned(), Level::Problem),
        ] {
            let found = dkim("s1._domainkey.acme.example", &texts(&[&published]));
            assert_eq!(found.level, level, "{published}");
        }
        assert_eq!(dkim("s1._domainkey.acme.example", &texts(&[])).level, Level::Problem);
    }

    #[test]
    fn dmarc_is_one_policy_that_can_be_read() {
        for (published, level) in [
            (&["v=DMARC1; p=none"][..], Level::Ok),
            (&["v=DMARC1;p=reject; rua=mailto:a@b.example"], Level::Ok),
            (&["v = DMARC1 ; p = quarantine"], Level::Ok),
            (&["v=DMARC1; sp=none"], Level::Problem),
            (&["v=DMARC1; p=perhaps"], Level::Problem),
            (&["v=DMARC1; p=none", "v=DMARC1; p=none"], Level::Problem),
            (&["p=none"], Level::Warning),
            (&[], Level::Warning),
        ] {
            let found = dmarc("acme.example", "acme.example", &texts(published));
            assert_eq!(found.level, level, "{published:?}");
        }
    }

    #[test]
    fn every_finding_that_is_not_well_says_what_to_do() {
        for found in [
            spf("a.example", &Texts::NoAnswer),
            spf("a.example", &texts(&[])),
            dkim("x", &texts(&[])),
            dmarc("a.example", "a.example", &texts(&[])),
            unknown_selector("a.example"),
            related("a.example", "b.example"),
        ] {
            assert!(found.level > Level::Ok && found.to_do.is_some(), "{found:?}");
        }
    }

    #[test]
    fn names_of_one_domain_are_told_from_neighbours() {
        for (one, other) in [
            ("acme.example", "acme.example"),
            ("keys.acme.example", "acme.example"),
            ("keys.acme.example", "mail.acme.example"),
            ("acme.example", "mail.acme.example"),
            ("KEYS.acme.co.uk", "acme.co.uk"),
            ("keys.abb.dk", "abb.dk"),
            ("keys.abb.dk", "mail.abb.dk"),
            ("localhost", "localhost"),
        ] {
            assert!(is_related(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("acme.example", "other.example"),
            ("acme.co.uk", "other.co.uk"),
            ("acme.com.au", "other.com.au"),
            ("notacme.example", "acme.example"),
            ("acme.example.evil.test", "acme.example"),
            ("localhost", "acme.example"),
        ] {
            assert!(!is_related(one, other), "{one} {other}");
        }
    }
}
