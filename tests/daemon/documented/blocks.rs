//! How the fenced blocks of commands are run: all of them in an installation of a keeper, unless it is
//! said otherwise here.

use super::document::Block;
use super::furnished::Custody;
use super::typed::list;

/// What is special about a block.
pub struct Special {
    pub file: &'static str,
    /// How its first line begins.
    pub begins: &'static str,
    pub custody: Custody,
    /// What has to be so beforehand.
    pub prepared: &'static str,
    /// What is put in place of what, beside what holds for all.
    pub swaps: &'static [(&'static str, &'static str)],
    /// Commands of which exit code 1 or 3 is an answer.
    pub judges: &'static [&'static str],
}

const PLAIN: Special = Special {
    file: "",
    begins: "",
    custody: Custody::Keeper,
    prepared: "",
    swaps: &[],
    judges: &[],
};

const MANY: &str = "{ echo ref,company_id,key; \
    for n in 44 45; do printf 'erp-%04d,%s,%s\\n' \"$n\" \"$(field \"$n\" company_id)\" \"$(field \"$n\" key)\"; done; \
    } > tenants.csv; chmod 600 tenants.csv";
/// A program has a token to push the list with.
const LIST_AND_TOKEN: &str =
    concat!(list!(), "\nTOKEN=$(keypulse token new --role integration --name a)");
const LYING_ELSEWHERE: &str = "field 3 key > \"$DESK/three.key\"; chmod 600 three.key; \
    jq -nc --arg company \"$(field 3 company_id)\" --arg place \"file:$DESK/three.key\" \
    '{ref: \"erp-0003\", company_id: $company, key_ref: $place}' > tenants.jsonl; chmod 600 tenants.jsonl";

/// Where a block needs something of its own.
const SPECIAL: &[Special] = &[
    Special {
        file: "docs/API.md",
        begins: "curl -s -H \"Authorization: Bearer $token\" \"$keypulse/api/v1/tenants/erp-483/handover\"",
        prepared: "keypulse=http://$ADDRESS; token=$(keypulse token new --role integration --name a); \
            replaced 41 erp-483",
        ..PLAIN
    },
    Special {
        file: "docs/API.md",
        begins: "curl -s -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: text/csv'",
        custody: Custody::Mirror,
        prepared: LIST_AND_TOKEN,
        ..PLAIN
    },
    Special {
        file: "docs/API.md",
        begins: "curl -s -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json'",
        prepared: "TOKEN=$(keypulse token new --role integration --name a)",
        ..PLAIN
    },
    Special {
        file: "docs/CUSTODY.md",
        begins: "age-keygen",
        prepared: "rm -f secret.txt public.txt",
        ..PLAIN
    },
    Special {
        file: "docs/CUSTODY.md",
        begins: "keypulse handover list --json",
        prepared: "replaced 41 erp-483; \
            generation=$(keypulse handover list --json | jq -r 'select(.ref == \"erp-483\").generation')",
        swaps: &[("--generation 2", "--generation \"$generation\"")],
        ..PLAIN
    },
    Special {
        file: "docs/CUSTODY.md",
        begins: "keypulse tenant add erp-483 --company 0b7c… --key-ref",
        custody: Custody::Reference,
        prepared: LYING_ELSEWHERE,
        swaps: &[(
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:erp/483-AbCdEf",
            "'\"$ARN\"'",
        )],
        judges: &["keypulse doctor"],
    },
    Special {
        file: "docs/CUSTODY.md",
        begins: "keypulse reconcile key",
        custody: Custody::Mirror,
        prepared: "rm -f comparison.key",
        ..PLAIN
    },
    Special {
        file: "docs/CUSTODY.md",
        begins: "# By hand only",
        custody: Custody::Mirror,
        prepared: "field 1 key > one.key; exec < one.key",
        ..PLAIN
    },
    Special {
        file: "docs/CUSTODY.md",
        begins: "keypulse reconcile keys.csv",
        custody: Custody::Mirror,
        prepared: list!(),
        ..PLAIN
    },
    Special {
        file: "docs/CUSTODY.md",
        begins: "keypulse tenant replace erp-483 --from-integration",
        custody: Custody::Mirror,
        prepared: "new_key 41 > key.txt",
        ..PLAIN
    },
    Special {
        file: "docs/DASHBOARDS.md",
        begins: "install -D",
        prepared: "cd \"$ROOT\"",
        swaps: &[("-t /", "-t \"$DESK\"/")],
        ..PLAIN
    },
    Special {
        file: "docs/IMPORT.md",
        begins: "keypulse tenant import --dry-run",
        prepared: MANY,
        ..PLAIN
    },
    Special {
        file: "docs/INSTALL.md",
        begins: "kp doctor",
        // At a terminal key and company are asked for.
        prepared: "field 46 key > key.txt; chmod 600 key.txt",
        swaps: &[
            ("kp ", "keypulse "),
            // The daemon asks as well, the moment there is somebody new.
            ("keypulse tenant check", "until_well keypulse tenant check"),
            ("erp-483", "erp-0046"),
            ("--name", "--company \"$(field 46 company_id)\" --key-file key.txt --name"),
        ],
        judges: &["keypulse doctor"],
        ..PLAIN
    },
    Special {
        file: "docs/LANGUAGES.md",
        begins: "keypulse words check",
        prepared: "mkdir -p locales/fi; echo 'refusal-key-rejected = Mikään ei ole muuttunut.' > locales/fi/ours.ftl",
        judges: &["keypulse words check"],
        ..PLAIN
    },
    Special {
        file: "docs/MAIL.md",
        begins: "keypulse --config keypulse.toml mail doctor",
        judges: &["keypulse --config keypulse.toml mail doctor"],
        ..PLAIN
    },
    Special {
        file: "docs/MAIL.md",
        begins: "keypulse --config keypulse.toml tenant contact erp-483",
        swaps: &[(
            "keypulse --config keypulse.toml tenant contact erp-483 --trust",
            "bounced b@fjord.example; keypulse --config keypulse.toml tenant contact erp-483 --trust",
        )],
        ..PLAIN
    },
    Special {
        file: "docs/PAGES.md",
        begins: "keypulse tenant link erp-483",
        swaps: &[("1a2b3c4d", "\"$(keypulse tenant link erp-483 --list | head -1 | cut -c-8)\"")],
        ..PLAIN
    },
    Special {
        file: "docs/RUN.md",
        begins: "keypulse tenant rebind erp-483",
        prepared: "control '{\"do\":\"move_company\",\"tenant\":21,\"to\":42}'",
        swaps: &[
            // A check of its own may be under way.
            ("keypulse tenant rebind erp-483", "until_well keypulse tenant rebind erp-0021"),
            ("0b7c…", "\"$OTHER_COMPANY\""),
        ],
        ..PLAIN
    },
    Special {
        file: "docs/RUN.md",
        begins: "keypulse --config keypulse.toml mail doctor",
        judges: &["keypulse --config keypulse.toml mail doctor"],
        ..PLAIN
    },
];

/// What stands for something of the reader's in all blocks.
const SWAPS: [(&str, &str); 4] = [
    ("age1…", "\"$(cat public.txt)\""),
    ("0b7c…", "\"$COMPANY\""),
    ("https://keypulse.example", "http://{address}"),
    ("127.0.0.1:9464", "{address}"),
];

/// Blocks that cannot be typed here, and why. Whatever they have keypulse do is held against its command
/// line all the same.
const EXCUSED: &[(&str, &str, &str)] = &[
    ("README.md", "cargo run", "builds a release, and runs all tests; scripts/test runs this demo"),
    ("CONTRIBUTING.md", "cargo build", "builds, and runs all tests"),
    (
        "docs/INSTALL.md",
        "cargo build",
        "builds a release; tests/package/life installs what comes of it",
    ),
    (
        "docs/INSTALL.md",
        "sudo apt-get install",
        "needs a machine to install on: tests/package/life",
    ),
    ("docs/BACKUP.md", "kp backup", "stops and starts a unit; tests/daemon/restoring.rs moves so"),
    ("docs/INSTALL.md", "kp() {", "becomes the user of the package: tests/package/life"),
    ("docs/INSTALL.md", "kp config check", "restarts a unit: tests/package/life"),
    ("docs/INSTALL.md", "sudo KEYPULSE__KEYRING", "reads the key of the package's machine"),
    ("docs/INSTALL.md", "sudo systemd-creds", "writes a key of the host, and changes a unit"),
    ("docs/INSTALL.md", "sudo install", "is done in an editor"),
    ("docs/INSTALL.md", "sudo KEYPULSE__STORE", "restarts a unit"),
    ("docs/INSTALL.md", "sudo systemctl stop", "is an upgrade: tests/package/life does one"),
    (
        "docs/INSTALL.md",
        "cd packaging/container",
        "needs Docker; tests/package/image.rs judges the files",
    ),
    (
        "docs/INSTALL.md",
        "cd packaging/kubernetes",
        "needs Kubernetes; tests/package/manifests.rs judges the files",
    ),
    (
        "docs/SCALING.md",
        "scripts/bench",
        "measures for minutes; scripts/test --release runs the small one",
    ),
];

/// The test that runs all blocks of a document that begin so.
pub const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("README.md", "", "the_tour_of_the_readme_shows_what_the_readme_shows"),
    (
        "docs/ADOPT.md",
        "",
        "with_keys_in_aws_no_key_comes_into_a_file_and_a_repaired_one_lies_in_its_place",
    ),
    (
        "docs/ADOPT.md",
        "",
        "an_afternoon_is_enough_for_800_connections_and_every_command_of_it_works",
    ),
    ("docs/API.md", "keypulse token new", "the_first_steps_of_the_api_show_what_the_manual_shows"),
    (
        "docs/DASHBOARDS.md",
        "python3",
        "every_query_of_every_dashboard_has_data_after_an_ordinary_story",
    ),
    ("docs/SANDBOX.md", "", "the_sandbox_does_whatever_its_manual_has_it_do"),
];

/// Every block that is named here: its document, and how it begins.
pub fn named_here() -> impl Iterator<Item = (&'static str, &'static str)> {
    let special = SPECIAL.iter().map(|one| (one.file, one.begins));
    let excused = EXCUSED.iter().map(|(file, begins, _)| (*file, *begins));
    special.chain(excused).chain(ELSEWHERE.iter().map(|(file, begins, _)| (*file, *begins)))
}

/// What is done with a block.
pub enum Fate {
    Run(Special, String),
    Elsewhere,
    Excused,
}

pub fn fate(block: &Block, address: &str) -> Fate {
    let (file, script) = (block.place.file.as_str(), block.script());
    if EXCUSED.iter().any(|(in_file, begins, _)| *in_file == file && script.starts_with(begins)) {
        return Fate::Excused;
    }
    if ELSEWHERE.iter().any(|(in_file, begins, _)| *in_file == file && script.starts_with(begins)) {
        return Fate::Elsewhere;
    }
    let is_meant = |one: &&Special| one.file == file && script.starts_with(one.begins);
    let special = SPECIAL.iter().find(is_meant).map_or(PLAIN, |one| Special { ..*one });
    let script = special.swaps.iter().fold(script, |text, (from, to)| text.replace(from, to));
    let script = SWAPS
        .iter()
        .fold(script, |text, (from, to)| text.replace(from, &to.replace("{address}", address)));
    Fate::Run(special, script)
}
