//! An installation that has everything that the documents speak of: customers with contacts, pages, a
//! relay, an Alertmanager, an endpoint of the integration, and a daemon that runs.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use keypulse::sandbox::Change;
use serde_json::{Value, json};

use super::document;
use crate::alertmanager::Alertmanager;
use crate::daemon::Daemon;
use crate::database;
use crate::moto::{CREDENTIALS, Moto};
use crate::pages::place;
use crate::program::{self, Ran};
use crate::receiver::Receiver;
use crate::relay::{Cover, Relay, Script};
use crate::rig::{RUNTIME, Rig};
use crate::server::Server;
use crate::wait;

/// Who is a tenant from the start.
const TENANTS: u32 = 40;
/// The provider's customers; those beyond [`TENANTS`] are for commands that add somebody.
const CUSTOMERS: u32 = 60;
/// Whom the documents call erp-483.
const SHOWN: u32 = TENANTS + 1;
/// Whose key is dead.
const DEAD: u32 = 20;
const CONTACTS: &str = "INSERT INTO contact (tenant_id, ordinal, address, role) \
                        SELECT id, 1, ref || '@customer.example', 'finance' FROM tenant";

/// What every script can use beside the program: the provider's control port, its customers' keys, and
/// a person who says yes where one is asked.
const PRELUDE: &str = r#"
control() { curl --json "$1" "$CONTROL/control/changes"; }
field() { jq -r --arg ref "$(printf 'erp-%04d' "$1")" "select(.ref == \$ref) | .$2" "$DESK/keys.jsonl"; }
new_key() {
    local key
    key=$(control "{\"do\":\"rotate\",\"tenant\":$1}" | jq -r .key)
    jq -c --arg ref "$(printf 'erp-%04d' "$1")" --arg key "$key" \
        'if .ref == $ref then .key = $key else . end' "$DESK/keys.jsonl" > "$DESK/keys.new"
    mv "$DESK/keys.new" "$DESK/keys.jsonl"
    printf %s "$key"
}
replaced() { new_key "$1" | keypulse tenant replace "$2" >/dev/null; }
bounced() {
    curl -H "Authorization: Bearer $(keypulse token new --role integration --name back-end)" \
        --json "{\"address\":\"$1\",\"event\":\"bounced\"}" "http://$ADDRESS/api/v1/mail-events" >/dev/null
}
until_well() { for _ in $(seq 200); do if "$@" 2>/dev/null; then return 0; fi; sleep 0.1; done; "$@"; }
"#;

/// Where a person is asked, the person says yes.
const SAYS_YES: &str = r#"#!/bin/bash
case " $* " in
    *" --yes "* | *" --dry-run "*) ;;
    *" tenant disable "* | *" tenant erase "* | *" tenant rebind "* | *" go-live "* | *" scopes apply "* | \
        *" recipient add "* | *" handover --recipient "*) set -- "$@" --yes ;;
esac
exec "$PROGRAM" "$@"
"#;

/// An answer that is an error fails the command.
const CURL: &str = r#"#!/bin/bash
exec /usr/bin/curl --fail-with-body --no-progress-meter --noproxy '*' --max-time 30 "$@"
"#;

/// How an installation comes by its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Custody {
    Keeper,
    Mirror,
    Reference,
}

/// The installation, and all that it speaks with. Dropped, all of it is gone.
pub struct Furnished {
    // It goes before the folder that its log is in.
    daemon: Option<Daemon>,
    pub address: String,
    desk: PathBuf,
    variables: Vec<(String, String)>,
    rig: Rig,
    _alertmanager: Alertmanager,
    moto: Option<Moto>,
    server: Option<Server>,
}

impl Furnished {
    /// On SQLite.
    pub fn new(custody: Custody) -> Self {
        Self::with(custody, None)
    }

    /// A keeper, on PostgreSQL.
    pub fn on_postgresql() -> Self {
        Self::with(Custody::Keeper, Some(Server::start_new()))
    }

    fn with(custody: Custody, server: Option<Server>) -> Self {
        let alertmanager = Alertmanager::start();
        let address = format!("127.0.0.1:{}", place::free_port());
        let mut rig = telling(place::with_pages(Rig::new(CUSTOMERS)), &alertmanager)
            .set("private.listen", &address);
        if let Some(server) = &server {
            rig = rig.set("store.url", &server.url());
        }
        rig.run(&["migrate", "up"]).well();
        let moto = (custody == Custody::Reference).then(Moto::start);
        if let Some(moto) = &moto {
            rig = rig.set("custody.mode", "reference").set("custody.aws_endpoint", &moto.url());
        } else if custody == Custody::Mirror {
            rig = rig.set("custody.mode", "mirror");
        }
        let desk = rig.path().join("desk");
        std::fs::create_dir(&desk).unwrap();
        for (name, script) in [("keypulse", SAYS_YES), ("curl", CURL)] {
            let file = desk.join("bin").join(name);
            std::fs::create_dir_all(desk.join("bin")).unwrap();
            std::fs::write(&file, script).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        let mut one = Self {
            daemon: None,
            address,
            desk,
            variables: Vec::new(),
            rig,
            _alertmanager: alertmanager,
            moto,
            server,
        };
        one.keys();
        one.known(custody);
        let daemon = one.rig.daemon_with(&CREDENTIALS);
        daemon.until("every key is accepted", |_| {
            let statuses = one.rig.statuses();
            statuses.values().all(|(status, _)| status == "healthy")
        });
        one.daemon = Some(daemon);
        if custody == Custody::Keeper {
            one.not_all_is_well();
        }
        one
    }

    /// One customer's key is dead and nobody knows whether the mail arrived; a message to the integration
    /// was given up.
    fn not_all_is_well(&mut self) {
        self.rig.apply(Change::Revoke { tenant: DEAD });
        let sent = || {
            let sent = self.rig.run(&["messages", "list", "--stage", "first", "--json"]);
            let of_mail = |one: &Value| one["channel"] == "mail" && one["state"] == "sent";
            sent.json_lines().into_iter().find(of_mail)
        };
        let mail = wait::until("the mail", sent, || self.tail());
        let told = self.rig.run(&["messages", "list", "--stage", "status_changed", "--json"]);
        let hook = told.json_lines().into_iter().find(|one| one["state"] == "sent").unwrap();
        for (name, message, state) in [("UNKNOWN", mail, "unknown"), ("GIVEN_UP", hook, "dead")] {
            let id = message["id"].as_str().unwrap().to_owned();
            let sql = format!("UPDATE delivery SET state = '{state}' WHERE message_id = '{id}'");
            database::execute(&self.rig, &sql);
            self.variables.push((name.to_owned(), id));
        }
    }

    /// The customers of the provider, in the form of the sandbox's own file.
    fn keys(&self) {
        let mut lines = String::new();
        for number in 1..=CUSTOMERS {
            let company = self.rig.world().company(number).id;
            let line = json!({
                "ref": self.rig.reference(number),
                "company_id": company,
                "name": format!("Company {number}"),
                "key": self.rig.key(number),
            });
            writeln!(lines, "{line}").unwrap();
        }
        self.file("keys.jsonl", &lines);
        self.file("keypulse.toml", "# Whatever is set here is set by the environment.\n");
    }

    /// Tenants, whom they are written to, and the pair of keys of the integration.
    fn known(&mut self, custody: Custody) {
        let arn = self
            .moto
            .as_ref()
            .map(|moto| moto.create("erp/483", &json!({"pleo": self.rig.key(SHOWN)}).to_string()));
        self.variables = vec![
            ("CONTROL".to_owned(), self.rig.control()),
            ("DESK".to_owned(), self.desk.display().to_string()),
            ("ROOT".to_owned(), document::root().display().to_string()),
            ("ADDRESS".to_owned(), self.address.clone()),
            ("ARN".to_owned(), arn.unwrap_or_default()),
            ("COMPANY".to_owned(), self.rig.world().company(SHOWN).id),
            ("OTHER_COMPANY".to_owned(), self.rig.world().company(SHOWN + 1).id),
        ];
        if custody != Custody::Reference {
            self.rig.add(1..=TENANTS);
            self.well(&format!(
                "field {SHOWN} key | keypulse tenant add erp-483 --company \"$COMPANY\""
            ));
        }
        database::execute(&self.rig, CONTACTS);
        self.well("age-keygen -o secret.txt 2>/dev/null; age-keygen -y secret.txt > public.txt");
        let public = self.well("printf %s \"$(cat public.txt)\"").stdout;
        self.variables.push(("PUBLIC".to_owned(), public));
        if custody == Custody::Keeper {
            self.well("keypulse recipient add public.txt --name back-end --yes");
        }
    }

    /// A file on the desk that only its owner can use.
    pub fn file(&self, name: &str, content: &str) {
        self.rig.file(&format!("desk/{name}"), content);
    }

    /// Runs a script to its end, on the desk.
    ///
    /// The commands of it that failed are on its standard error, behind `failed`.
    pub fn shell(&self, script: &str) -> Ran {
        let trapped = format!(
            "{PRELUDE}\nset -E; trap 'printf \"failed %s: %s\\n\" \"$?\" \"$BASH_COMMAND\" >&2' ERR\n{script}\n"
        );
        let mut bash = Command::new("bash");
        bash.args(["-uo", "pipefail", "-c", &trapped]);
        let path = std::env::var("PATH").unwrap();
        bash.current_dir(&self.desk)
            .envs(self.rig.environment())
            .envs(CREDENTIALS)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("TMPDIR", self.rig.path().join("tmp"))
            .env("PROGRAM", program::PATH)
            .env("PATH", format!("{}:{path}", self.desk.join("bin").display()));
        program::run(&mut bash, b"")
    }

    fn well(&self, script: &str) -> Ran {
        let ran = self.shell(script).well();
        assert!(!ran.stderr.contains("failed "), "{script}: {ran:?}");
        ran
    }

    /// Whether this is the second database that the same is typed on.
    pub fn is_second(&self) -> bool {
        self.server.is_some()
    }

    /// What is known of the daemon, for whoever fails.
    fn tail(&self) -> String {
        self.daemon.as_ref().map(Daemon::tail).unwrap_or_default()
    }
}

/// With everybody who can be told something.
fn telling(rig: Rig, alertmanager: &Alertmanager) -> Rig {
    let receiver = RUNTIME.block_on(Receiver::start());
    let relay = RUNTIME.block_on(Relay::start(Script::good(Cover::None)));
    let secret = rig.path().join("hook.secret");
    rig.run(&["webhook", "secret", "--out", secret.to_str().unwrap()]).well();
    rig.set("notify.mode", "live")
        .set("webhook.endpoints", &json!([receiver.url()]).to_string())
        .set("webhook.allow_hosts", r#"["127.0.0.1"]"#)
        .set("webhook.secret_file", secret.to_str().unwrap())
        .set("alertmanager.urls", &json!([alertmanager.url()]).to_string())
        .set("mail.host", "127.0.0.1")
        .set("mail.port", &relay.port().to_string())
        .set("mail.tls", "none")
        .set("mail.from", "Acme ERP <keys@acme.example>")
        .set("customers.hours", "00-24")
}
