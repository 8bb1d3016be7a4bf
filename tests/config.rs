//! The configuration as an operator meets it: a file, the environment, and what is said when one
//! of them is wrong.
//!
//! Long because each setting has a value that must be refused, and this is the list of them.

#![expect(
    clippy::unwrap_used,
    reason = "clippy knows only the test functions as tests, not their helpers"
)]

use std::ffi::OsString;
use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use keypulse::config::{
    BudgetPer, Config, ConfigError, LogFormat, MailRoad, NotifyMode, Sending, Source,
};
use keypulse::health::Policy;
use keypulse::redact::chain;
use secrecy::ExposeSecret;
use serde_json::json;
use tempfile::NamedTempFile;

fn file(text: &str, mode: u32) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    write(file.path(), text).unwrap();
    set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
    file
}

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    let owned = |(name, value): &(&str, &str)| (name.into(), value.into());
    variables.iter().map(owned).collect()
}

/// A configuration of this file, readable by everybody, and of these variables.
fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let file = file(text, 0o644);
    Config::load(Some(file.path()), environment(variables))
}

/// What is said of it, with the name of the file left out.
fn refusal(text: &str, variables: &[(&str, &str)]) -> String {
    refusal_of(&file(text, 0o644), variables)
}

fn refusal_of(file: &NamedTempFile, variables: &[(&str, &str)]) -> String {
    let path = file.path();
    match Config::load(Some(path), environment(variables)) {
        Ok(_) => panic!("it was taken"),
        Err(error) => chain(&error).replace(path.to_str().unwrap(), "FILE"),
    }
}

#[test]
fn without_a_word_from_anybody_the_defaults_hold() {
    let config = Config::load(None, []).unwrap();
    assert_eq!(config.store.url.expose_secret(), "sqlite://keypulse.db");
    assert_eq!(config.provider.profile, "pleo");
    assert_eq!(config.provider.base_url, None);
    assert_eq!(config.provider.required_scopes, None);
    assert_eq!(config.provider.client_id, None);
    assert_eq!(config.provider.timeout, Duration::from_secs(10));
    assert_eq!(config.provider.connect_timeout, Duration::from_secs(5));
    assert_eq!(config.watch.interval, Duration::from_mins(15));
    assert_eq!(config.watch.concurrency.get(), 64);
    assert_eq!(config.budget.per_minute.get(), 100);
    assert_eq!(config.budget.per, BudgetPer::Integration);
    assert_eq!(config.policy, Policy::default());
    assert!(config.keyring.master_key.is_none());
    assert_eq!(config.keyring.master_key_file, None);
    assert_eq!(config.private.listen.to_string(), "127.0.0.1:9464");
    assert_eq!(config.public.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.notify.mode, NotifyMode::Shadow);
    assert!(config.heartbeat.url.is_none());
    assert_eq!(config.heartbeat.interval, Duration::from_mins(1));
    assert_eq!(config.log.format, LogFormat::Auto);
}

#[test]
fn the_environment_is_stronger_than_the_file_and_the_file_than_the_default() {
    let text = "[watch]\ninterval = \"5m\"\nconcurrency = 8\n[policy]\nspan = \"7m\"\n";
    let config = load(text, &[("KEYPULSE__WATCH__CONCURRENCY", "9")]).unwrap();
    assert_eq!(config.watch.interval, Duration::from_mins(5));
    assert_eq!(config.policy.interval.num_seconds(), 300);
    assert_eq!(config.policy.span.num_minutes(), 7);
    assert_eq!(config.watch.concurrency.get(), 9);
    assert_eq!(config.budget.per_minute.get(), 100);
}

#[test]
fn explain_names_the_value_and_the_layer_of_every_key() {
    let file = file("[watch]\ninterval = \"5m\"\nconcurrency = 8\n", 0o644);
    let variables = [
        ("KEYPULSE__WATCH__CONCURRENCY", "9"),
        ("KEYPULSE__PROVIDER__CLIENT_ID", "12345"),
        ("KEYPULSE__PROVIDER__REQUIRED_SCOPES", "[\"users:read\"]"),
        ("KEYPULSE__STORE__URL", "postgres://u:hunter2@db/k"),
    ];
    let config = Config::load(Some(file.path()), environment(&variables)).unwrap();
    let path = file.path().display();
    for (key, value, source) in [
        ("watch.interval", json!("5m"), format!("file {path}, line 2")),
        ("watch.concurrency", json!(9), "environment KEYPULSE__WATCH__CONCURRENCY".to_owned()),
        ("budget.per_minute", json!(100), "default".to_owned()),
        ("provider.base_url", json!(null), "default".to_owned()),
        (
            "provider.client_id",
            json!("12345"),
            "environment KEYPULSE__PROVIDER__CLIENT_ID".to_owned(),
        ),
        (
            "provider.required_scopes",
            json!(["users:read"]),
            "environment KEYPULSE__PROVIDER__REQUIRED_SCOPES".to_owned(),
        ),
        ("store.url", json!("(set, hidden)"), "environment KEYPULSE__STORE__URL".to_owned()),
    ] {
        let settings = config.explain();
        let setting = settings.iter().find(|setting| setting.key == key).unwrap();
        assert_eq!(setting.value, value, "{key}");
        assert_eq!(setting.source.to_string(), source, "{key}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_meant() {
    assert_eq!(
        refusal("[watch]\nintervall = \"5m\"\n", &[]),
        "file FILE, line 2: there is no key `watch.intervall`; did you mean `watch.interval`?"
    );
    assert_eq!(
        refusal("", &[("KEYPULSE__WATCH__INTERVALL", "5m")]),
        "the environment variable `KEYPULSE__WATCH__INTERVALL` names no key; \
         did you mean `KEYPULSE__WATCH__INTERVAL`?"
    );
    assert!(load("", &[("KEYPULSE_WATCH__INTERVALL", "5m")]).is_ok());
}

#[test]
fn a_value_that_is_not_allowed_is_refused_with_its_place_and_what_is() {
    let duration = "be a duration such as `15m` (a whole number, then one of ms, s, m, h and d)";
    for (text, said) in [
        (
            "[watch]\ninterval = \"15\"",
            format!("`watch.interval` is \"15\" and must {duration} of at most 365d"),
        ),
        (
            "[watch]\ninterval = 15",
            format!("`watch.interval` is 15 and must {duration} of at most 365d"),
        ),
        (
            "[policy]\nspan = \"99999999999999999999d\"",
            format!(
                "`policy.span` is \"99999999999999999999d\" and must {duration} of at most 365d"
            ),
        ),
        (
            "[provider]\ntimeout = \"0s\"",
            format!(
                "`provider.timeout` is \"0s\" and must {duration}, longer than nothing and at \
                 most 5m"
            ),
        ),
        (
            "[watch]\ninterval = \"0s\"",
            "`watch.interval` is \"0s\" and must be longer than nothing".to_owned(),
        ),
        (
            "[watch]\nconcurrency = 4097",
            "`watch.concurrency` is 4097 and must be a whole number from 1 to 4096".to_owned(),
        ),
        (
            "[watch]\nconcurrency = \"64\"",
            "`watch.concurrency` is \"64\" and must be a whole number from 1 to 4096".to_owned(),
        ),
        (
            "[budget]\nper_minute = 0",
            "`budget.per_minute` is 0 and must be a whole number from 1 to 6000000".to_owned(),
        ),
        (
            "[budget]\nper = \"tenant\"",
            "`budget.per` is \"tenant\" and must be `integration` or `key`".to_owned(),
        ),
        (
            "[policy]\nrejections = 1",
            "`policy.rejections` is 1 and must be at least 2: one refusal is not a dead key"
                .to_owned(),
        ),
        (
            "[policy]\nconfirm_after = [\"4m\", \"1m\"]",
            "`policy.confirm_after` is [\"4m\", \"1m\"] and must rise from one time to the next"
                .to_owned(),
        ),
        (
            "[private]\nlisten = \"localhost:9464\"",
            "`private.listen` is \"localhost:9464\" and must be an IP address and a port, such \
             as `127.0.0.1:9464` or `[::1]:9464`"
                .to_owned(),
        ),
        (
            "[provider]\nrequired_scopes = [\"users:read\", \" \"]",
            "`provider.required_scopes` is [\"users:read\", \" \"] and must be a list of \
             scopes, none empty or with white space"
                .to_owned(),
        ),
        (
            "[provider]\nprofile = \"acme\"",
            "`provider.profile` is \"acme\" and must be `pleo`, or the path of a profile that \
             ends in `.toml`"
                .to_owned(),
        ),
        (
            "[log]\nformat = true",
            "`log.format` is true and must be `auto`, `pretty` or `json`".to_owned(),
        ),
    ] {
        assert_eq!(refusal(text, &[]), format!("file FILE, line 2: {said}"));
    }
    assert_eq!(
        refusal("", &[("KEYPULSE__WATCH__CONCURRENCY", "many")]),
        "environment KEYPULSE__WATCH__CONCURRENCY: `watch.concurrency` is \"many\" and must be \
         a whole number from 1 to 4096"
    );
    assert_eq!(
        refusal("[watch]\ninterval = \"12h\"", &[]),
        "default: `policy.dead_interval` is \"6h\" and must be at least `watch.interval`"
    );
}

#[test]
fn a_custody_that_does_not_exist_is_refused_with_what_can_be_written() {
    let error = refusal("", &[("KEYPULSE__CUSTODY__MODE", "vault")]);
    assert!(error.contains("`custody.mode`") && error.contains("`reference`"), "{error}");
    let variable = (OsString::from("KEYPULSE__CUSTODY__PICKUP_WITHIN"), OsString::from("0s"));
    let error = Config::load(None, [variable]).unwrap_err().to_string();
    assert!(error.contains("`custody.pickup_within`"), "{error}");
}

#[test]
fn what_is_for_a_mirror_only_is_refused_where_it_would_mean_nothing() {
    let url = ("KEYPULSE__CUSTODY__FINGERPRINT_URL", "https://erp.example.com/{ref}");
    let mirror = ("KEYPULSE__CUSTODY__MODE", "mirror");
    let error = refusal("", &[url]);
    assert!(error.contains("unless `custody.mode` is `mirror`"), "{error}");
    for bad in ["https://erp.example.com/", "http://erp.example.com/{ref}", "https://{ref}/"] {
        let error = refusal("", &[mirror, ("KEYPULSE__CUSTODY__FINGERPRINT_URL", bad)]);
        assert!(error.contains("`{ref}` once after the host"), "{error}");
        let error = refusal("", &[("KEYPULSE__CONNECT__RECONNECT_URL", bad)]);
        assert!(error.contains("`connect.reconnect_url`"), "{error}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let token = ("KEYPULSE__CUSTODY__FINGERPRINT_TOKEN_FILE", path);
    let error = refusal("", &[mirror, token]);
    assert!(error.contains("without `custody.fingerprint_url`"), "{error}");
}

#[test]
fn keys_are_read_from_a_store_over_tls_and_not_kept_for_long() {
    for (name, value, key) in [
        ("KEYPULSE__CUSTODY__AWS_ENDPOINT", "http://secrets.example", "`custody.aws_endpoint`"),
        ("KEYPULSE__CUSTODY__AWS_ENDPOINT", "https://user@aws.example", "`custody.aws_endpoint`"),
        ("KEYPULSE__CUSTODY__CACHE", "2h", "`custody.cache`"),
        ("KEYPULSE__CUSTODY__CACHE", "soon", "`custody.cache`"),
    ] {
        let error = refusal("", &[(name, value)]);
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn customers_are_written_to_only_where_it_is_said_how() {
    let live = ("KEYPULSE__NOTIFY__MODE", "live");
    let nowhere = refusal("", &[live]);
    assert!(nowhere.contains("neither `mail.host` nor `mail.dir`"), "{nowhere}");
    let mail = "[mail]\nhost = \"relay.example\"\nfrom = \"keys@acme.example\"";
    let config = load(mail, &[live]).unwrap();
    assert_eq!(config.notify.mode, NotifyMode::Live);
    assert_eq!((config.customers.hours, &*config.customers.expiring), ((8, 17), &[30, 7, 1][..]));
    for (key, value) in [
        ("KEYPULSE__CUSTOMERS__REMINDERS", r#"["3d","1d"]"#),
        ("KEYPULSE__CUSTOMERS__EXPIRING", r#"["12h"]"#),
        ("KEYPULSE__CUSTOMERS__HOURS", "17-08"),
        ("KEYPULSE__CUSTOMERS__GIVE_UP_AFTER", "0s"),
    ] {
        let refused = refusal("", &[(key, value)]);
        assert!(
            refused.contains(&key.to_lowercase()["keypulse__".len()..].replace("__", ".")),
            "{refused}"
        );
    }
}

#[test]
fn who_is_to_tell_must_be_told_whom_and_sign_what_it_says() {
    let nobody = refusal("[notify]\nmode = \"on_call\"", &[]);
    assert!(nobody.contains("neither `alertmanager.urls` nor `webhook.endpoints`"), "{nobody}");
    let alerts = "[notify]\nmode = \"on_call\"\n[alertmanager]\nurls = [\"http://127.0.0.1:9093\"]";
    let config = load(alerts, &[]).unwrap();
    assert_eq!(config.notify.mode, NotifyMode::OnCall);
    assert_eq!(config.alertmanager.resolve_timeout, Duration::from_mins(5));
    let unsigned = refusal("[webhook]\nendpoints = [\"https://erp.example/hooks\"]", &[]);
    assert!(unsigned.contains("`webhook.secret_file`"), "{unsigned}");
    for (key, value) in [
        ("KEYPULSE__ALERTMANAGER__URLS", r#"["http://alerts.example"]"#),
        ("KEYPULSE__ALERTMANAGER__RESOLVE_TIMEOUT", "1s"),
        ("KEYPULSE__WEBHOOK__ENDPOINTS", r#"["https://u:hunter2@erp.example"]"#),
        ("KEYPULSE__WEBHOOK__ACKNOWLEDGE_WITHIN", "0s"),
        ("KEYPULSE__CONSOLE__EXTERNAL_URL", "http://keys.example"),
    ] {
        let refused = refusal("", &[(key, value)]);
        assert!(refused.contains(" must be"), "{key}: {refused}");
    }
}

#[test]
fn mail_goes_by_one_road_in_somebodys_name_and_in_clear_only_on_this_machine() {
    let mail = load("", &[]).unwrap().mail;
    assert!(mail.sending.is_none());
    assert_eq!((mail.most_per_hour.get(), mail.most_per_tenant_per_hour.get()), (200, 4));
    let from = "from = \"Acme <a@b.example>\"";
    for (tls, port) in [("required", 465), ("starttls", 587), ("none", 25)] {
        let text = format!("[mail]\nhost = \"localhost\"\ntls = \"{tls}\"\n{from}");
        let mail = load(&text, &[]).unwrap().mail;
        let Some(Sending { road: MailRoad::Relay(relay), .. }) = mail.sending else { panic!() };
        assert_eq!((relay.port, relay.login.is_none()), (port, true));
    }
    let secret = file("hunter2\n", 0o600);
    let secret = secret.path().display();
    for (text, key) in [
        ("host = \"smtp.example.com\"".to_owned(), "mail.host"),
        ("dir = \"/tmp\"".to_owned(), "mail.dir"),
        (format!("host = \"smtp.example.com\"\ndir = \"/tmp\"\n{from}"), "mail.dir"),
        (format!("host = \"smtp.example.com\"\ntls = \"none\"\n{from}"), "mail.tls"),
        (format!("host = \"smtp.example.com\"\nport = 0\n{from}"), "mail.port"),
        (format!("host = \"smtp.example.com\"\nport = 65536\n{from}"), "mail.port"),
        ("username = \"me\"".to_owned(), "mail.username"),
        (format!("password_file = \"{secret}\""), "mail.password_file"),
        ("from = \"a@b.example\\r\\nBcc: c@d.example\"".to_owned(), "mail.from"),
        ("timeout = \"6m\"".to_owned(), "mail.timeout"),
        ("most_per_hour = 0".to_owned(), "mail.most_per_hour"),
        ("most_per_tenant_per_hour = 1000001".to_owned(), "mail.most_per_tenant_per_hour"),
    ] {
        let said = refusal(&format!("[mail]\n{text}"), &[]);
        assert!(said.contains(&format!("`{key}`")) && said.contains("must"), "{text}: {said}");
    }
    let login =
        format!("host = \"smtp.example.com\"\nusername = \"me\"\npassword_file = \"{secret}\"");
    let config = load(&format!("[mail]\n{login}\n{from}"), &[]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn keys_are_not_sent_in_clear() {
    let said = refusal("[provider]\nbase_url = \"http://api.example.com\"", &[]);
    assert!(said.contains("keys must not travel in clear"), "{said}");
    let local = load("[provider]\nbase_url = \"http://127.0.0.1:9000/v1\"", &[]).unwrap();
    let url = local.provider.base_url.unwrap();
    assert_eq!(url.as_str(), "http://127.0.0.1:9000/v1");
}

#[test]
fn a_literal_secret_in_a_file_that_others_can_use_is_refused() {
    let master = "[keyring]\nmaster_key = \"hunter2\"";
    let store = "[store]\nurl = \"postgres://u:hunter2@db/k\"";
    for text in [master, store] {
        for mode in [0o640, 0o604, 0o620, 0o644] {
            let said = refusal_of(&file(text, mode), &[]);
            assert!(said.contains("run `chmod 600 FILE`"), "{said}");
            assert!(said.contains("_file`"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        let private = file(text, 0o600);
        assert!(Config::load(Some(private.path()), []).is_ok(), "{text}");
    }
    // Overriding it does not take it out of the file.
    let over = [("KEYPULSE__STORE__URL", "sqlite://keypulse.db")];
    assert!(refusal(store, &over).contains("chmod 600"));
    assert!(load("[store]\nurl = \"postgres://u@db/k\"", &[]).is_ok());
}

#[test]
fn a_secret_given_in_both_forms_is_refused_naming_both() {
    assert_eq!(
        refusal(
            "[keyring]\nmaster_key_file = \"/run/master\"",
            &[("KEYPULSE__KEYRING__MASTER_KEY", "hunter2")]
        ),
        "`keyring.master_key` (environment KEYPULSE__KEYRING__MASTER_KEY) and \
         `keyring.master_key_file` (file FILE, line 2) are both set: keep one"
    );
    let both = [
        ("KEYPULSE__STORE__URL", "postgres://u:hunter2@db/k"),
        ("KEYPULSE__STORE__URL_FILE", "/run/url"),
    ];
    let said = refusal("", &both);
    assert!(said.contains("KEYPULSE__STORE__URL) and `store.url_file`"), "{said}");
}

#[test]
fn the_store_may_stand_in_a_file_of_its_own() {
    let url = file("postgres://u:hunter2@db/k\n", 0o600);
    let path = url.path().to_str().unwrap();
    let config = load("", &[("KEYPULSE__STORE__URL_FILE", path)]).unwrap();
    assert_eq!(config.store.url.expose_secret(), "postgres://u:hunter2@db/k");
    let settings = config.explain();
    assert_eq!(settings[0].value, json!("(set, hidden)"));
    let variable = "KEYPULSE__STORE__URL_FILE".to_owned();
    assert_eq!(settings[0].source, Source::Environment(variable));
    assert_eq!(settings[1].value, json!(path));

    for (content, mode, part) in [
        ("postgres://u:hunter2@db/k", 0o644, "run `chmod o= "),
        ("mysql://u:hunter2@db/k", 0o600, "`store.url` must be `sqlite://FILE` or"),
        ("", 0o600, "`store.url` must be `sqlite://FILE` or"),
    ] {
        let url = file(content, mode);
        let path = url.path().to_str().unwrap();
        let said = refusal("", &[("KEYPULSE__STORE__URL_FILE", path)]);
        assert!(said.contains(part), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let said = refusal("", &[("KEYPULSE__STORE__URL_FILE", "/nowhere/url")]);
    assert_eq!(
        said,
        "environment KEYPULSE__STORE__URL_FILE: `store.url_file` names the file `/nowhere/url`, \
         which cannot be used: No such file or directory (os error 2)"
    );
}

#[test]
fn a_sign_of_life_goes_out_by_tls_or_stays_on_this_machine() {
    for taken in ["https://watcher.example/ping?token=x", "http://127.0.0.1:9/ping"] {
        let config = load("", &[("KEYPULSE__HEARTBEAT__URL", taken)]).unwrap();
        assert_eq!(config.heartbeat.url.unwrap().expose_secret(), taken);
    }
    for refused in ["http://watcher.example/hunter2", "https://u:hunter2@w.example", "hunter2"] {
        let said = refusal("", &[("KEYPULSE__HEARTBEAT__URL", refused)]);
        assert!(said.contains("`heartbeat.url` must be a URL that begins with"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn no_refusal_repeats_a_secret() {
    for (text, variables) in [
        ("[keyring]\nmaster_key = hunter2", vec![]),
        ("[keyring]\nmaster_key = [\"hunter2\"]", vec![]),
        ("[keyring]\nmaster_key_file = \"https://hunter2\"", vec![]),
        ("[provider]\nbase_url = \"https://u:hunter2@api.example.com\"", vec![]),
        ("[provider]\nbase_url = \"https://api.example.com?token=hunter2\"", vec![]),
        ("", vec![("KEYPULSE__STORE__URL", "mysql://u:hunter2@db/k")]),
        ("", vec![("KEYPULSE__STORE__URL", "postgres://u:12#hunter2@db/k")]),
        ("", vec![("KEYPULSE__STORE__URL_FILE", "postgres://u:hunter2@db/k")]),
    ] {
        for mode in [0o600, 0o644] {
            let file = file(text, mode);
            let error = Config::load(Some(file.path()), environment(&variables)).unwrap_err();
            assert!(!chain(&error).contains("hunter2"), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}

#[test]
fn a_configuration_cannot_print_its_secrets() {
    let variables = [
        ("KEYPULSE__KEYRING__MASTER_KEY", "hunter2"),
        ("KEYPULSE__STORE__URL", "postgres://u:hunter2@db/k"),
    ];
    let config = load("", &variables).unwrap();
    assert_eq!(config.keyring.master_key.as_ref().unwrap().expose_secret(), "hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
    let shown = serde_json::to_string(&config.explain()).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("\"environment KEYPULSE__KEYRING__MASTER_KEY\""), "{shown}");
}

#[test]
fn a_file_that_is_missing_too_large_or_no_text_is_refused_by_name() {
    let missing = Config::load(Some(Path::new("/nowhere/keypulse.toml")), []).unwrap_err();
    assert_eq!(
        chain(&missing),
        "the configuration file `/nowhere/keypulse.toml` cannot be used: \
         No such file or directory (os error 2)"
    );
    let large = "#".repeat(1024 * 1024 + 1);
    assert_eq!(
        refusal(&large, &[]),
        "the configuration file `FILE` cannot be used: it is larger than 1024 KiB"
    );
    assert!(load(&large[1..], &[]).is_ok());
    let binary = NamedTempFile::new().unwrap();
    write(binary.path(), b"\xff\xfe").unwrap();
    assert!(refusal_of(&binary, &[]).ends_with("it is not UTF-8 text"));
}
