//! Every key there is: the schema that types the environment, finds misspelt keys and knows which
//! values are secret. `config/keypulse.toml` documents the same keys; a test compares the two.

/// One key of the configuration.
#[derive(Debug)]
pub(super) struct Key {
    /// Section and key with a dot between, such as `watch.interval`.
    pub name: &'static str,
    pub kind: Kind,
    /// The value is never printed, and may stand only in a file that its owner alone can use.
    pub secret: bool,
}

/// How a value is written. Durations and addresses are texts here; whoever reads the key checks
/// the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Whole,
    /// `true` or `false`.
    Flag,
    /// A list of texts; JSON in the environment.
    Texts,
}

/// All keys, in the order of the manual.
pub(super) const KEYS: &[Key] = &[
    secret("store.url"),
    key("store.url_file", Kind::Text),
    key("store.withdrawn_file", Kind::Text),
    key("provider.profile", Kind::Text),
    key("provider.base_url", Kind::Text),
    key("provider.required_scopes", Kind::Texts),
    key("provider.client_id", Kind::Text),
    key("provider.timeout", Kind::Text),
    key("provider.connect_timeout", Kind::Text),
    key("watch.interval", Kind::Text),
    key("watch.concurrency", Kind::Whole),
    key("budget.per_minute", Kind::Whole),
    key("budget.per", Kind::Text),
    key("policy.rejections", Kind::Whole),
    key("policy.span", Kind::Text),
    key("policy.confirm_after", Kind::Texts),
    key("policy.alone_rejections", Kind::Whole),
    key("policy.alone_span", Kind::Text),
    key("policy.wrong_company_span", Kind::Text),
    key("policy.dead_interval", Kind::Text),
    key("policy.unreachable_after", Kind::Text),
    key("policy.flap_window", Kind::Text),
    key("policy.max_hold", Kind::Text),
    key("canary.key_file", Kind::Text),
    key("canary.company_id", Kind::Text),
    secret("keyring.master_key"),
    key("keyring.master_key_file", Kind::Text),
    key("custody.mode", Kind::Text),
    key("custody.pickup_within", Kind::Text),
    key("custody.cache", Kind::Text),
    key("custody.aws_endpoint", Kind::Text),
    key("custody.fingerprint_url", Kind::Text),
    key("custody.fingerprint_token_file", Kind::Text),
    key("connect.reconnect_url", Kind::Text),
    key("connect.links_valid_for", Kind::Text),
    key("connect.keys_url", Kind::Text),
    key("connect.return_url", Kind::Text),
    key("private.listen", Kind::Text),
    key("private.tls_cert", Kind::Text),
    key("private.tls_key", Kind::Text),
    key("private.behind_tls_proxy", Kind::Flag),
    key("metrics.listen", Kind::Text),
    key("public.url", Kind::Text),
    key("public.listen", Kind::Text),
    key("public.tls_cert", Kind::Text),
    key("public.tls_key", Kind::Text),
    key("public.behind_tls_proxy", Kind::Flag),
    key("brand.product", Kind::Text),
    key("brand.support", Kind::Text),
    key("brand.logo_file", Kind::Text),
    key("brand.accent", Kind::Text),
    key("pages.templates_dir", Kind::Text),
    key("notify.mode", Kind::Text),
    key("alertmanager.urls", Kind::Texts),
    key("alertmanager.resolve_timeout", Kind::Text),
    key("oncall.pagerduty_key_file", Kind::Text),
    key("oncall.pagerduty_url", Kind::Text),
    key("oncall.slack_url_file", Kind::Text),
    key("oncall.templates_dir", Kind::Text),
    key("webhook.endpoints", Kind::Texts),
    key("webhook.secret_file", Kind::Text),
    key("webhook.previous_secret_file", Kind::Text),
    key("webhook.allow_hosts", Kind::Texts),
    key("webhook.acknowledge_within", Kind::Text),
    key("mail.host", Kind::Text),
    key("mail.port", Kind::Whole),
    key("mail.tls", Kind::Text),
    key("mail.ca_file", Kind::Text),
    key("mail.username", Kind::Text),
    key("mail.password_file", Kind::Text),
    key("mail.dir", Kind::Text),
    key("mail.from", Kind::Text),
    key("mail.reply_to", Kind::Text),
    key("mail.timeout", Kind::Text),
    key("mail.most_per_hour", Kind::Whole),
    key("mail.most_per_tenant_per_hour", Kind::Whole),
    key("mail.dkim_selector", Kind::Text),
    key("mail.dns", Kind::Text),
    key("mail.templates_dir", Kind::Text),
    key("customers.reminders", Kind::Texts),
    key("customers.expiring", Kind::Texts),
    key("customers.hours", Kind::Text),
    key("customers.first_waits", Kind::Flag),
    key("customers.give_up_after", Kind::Text),
    key("console.external_url", Kind::Text),
    key("console.session", Kind::Text),
    key("console.proxy_addresses", Kind::Texts),
    key("console.proxy_user_header", Kind::Text),
    key("console.proxy_groups_header", Kind::Text),
    key("console.proxy_roles", Kind::Texts),
    key("words.dir", Kind::Text),
    secret("heartbeat.url"),
    key("heartbeat.url_file", Kind::Text),
    key("heartbeat.interval", Kind::Text),
    key("log.format", Kind::Text),
];

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, secret: false }
}

const fn secret(name: &'static str) -> Key {
    Key { name, kind: Kind::Text, secret: true }
}

/// The key of exactly this name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The section of exactly this name, such as `watch`.
pub(super) fn find_section(name: &str) -> Option<&'static str> {
    let mut sections = KEYS.iter().map(|key| section_of(key.name));
    sections.find(|section| *section == name)
}

/// The known key that `wrong` was most likely meant to be. A right key in a wrong section counts
/// as a near miss, so that a bare `interval` finds `watch.interval`; so does a section alone. A key of
/// which less than half is the same is no such miss, however short it is.
pub(super) fn nearest(wrong: &str) -> &'static str {
    // Comparing costs memory in proportion to the length, which is the writer's to choose.
    let wrong: String = wrong.chars().take(80).collect();
    let distance = |known: &'static str| {
        let whole = strsim::damerau_levenshtein(&wrong, known);
        let leaf = strsim::damerau_levenshtein(leaf_of(&wrong), leaf_of(known));
        let elsewhere = if leaf * 2 <= leaf_of(known).len() { 1 + leaf } else { usize::MAX };
        let section = 1 + strsim::damerau_levenshtein(&wrong, section_of(known));
        (whole.min(elsewhere).min(section), whole)
    };
    let names = KEYS.iter().map(|key| key.name);
    names.min_by_key(|name| distance(name)).unwrap_or_default()
}

/// The environment variable that sets `name`, such as `KEYPULSE__WATCH__INTERVAL`.
pub(super) fn variable(name: &str) -> String {
    let path = name.replace('.', "__");
    format!("{VARIABLE_PREFIX}{}", path.to_ascii_uppercase())
}

/// What every variable of ours begins with. `KEYPULSE_` with a single underscore is left to
/// others.
pub(super) const VARIABLE_PREFIX: &str = "KEYPULSE__";

fn section_of(name: &str) -> &str {
    name.split_once('.').map_or(name, |(section, _)| section)
}

fn leaf_of(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, leaf)| leaf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_finds_the_one_that_was_meant() {
        for (wrong, right) in [
            ("watch.intervall", "watch.interval"),
            ("wach.interval", "watch.interval"),
            ("interval", "watch.interval"),
            ("policy.interval", "watch.interval"),
            ("watch.concurency", "watch.concurrency"),
            ("private.listne", "private.listen"),
            ("public.listne", "public.listen"),
            ("keyring.master-key-file", "keyring.master_key_file"),
            ("store.uri", "store.url"),
            ("polcy", "policy.span"),
        ] {
            assert_eq!(nearest(wrong), right, "{wrong}");
        }
    }

    #[test]
    fn every_secret_has_a_form_that_names_a_file() {
        for key in KEYS.iter().filter(|key| key.secret) {
            assert!(find(&format!("{}_file", key.name)).is_some(), "{}", key.name);
        }
    }

    #[test]
    fn a_variable_is_its_key_in_capitals_behind_the_prefix() {
        assert_eq!(variable("keyring.master_key_file"), "KEYPULSE__KEYRING__MASTER_KEY_FILE");
    }
}
