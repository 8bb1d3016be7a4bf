//! What the documents name between backticks, as it is typed where it can be: with what stands for a
//! placeholder, what a name in passing leaves out, and what has to be so beforehand.

use super::furnished::Custody;

/// One command.
pub struct Typed {
    /// As it stands in a document.
    pub named: &'static str,
    /// What makes it possible.
    pub prepared: &'static str,
    /// What is typed; empty for the same, with placeholders filled in.
    pub full: &'static str,
    /// How it may end.
    pub codes: &'static [i32],
    pub custody: Custody,
}

/// As it stands there, and well.
const PLAIN: Typed = full("", "");

const fn full(named: &'static str, full: &'static str) -> Typed {
    after("", named, full)
}

const fn after(prepared: &'static str, named: &'static str, full: &'static str) -> Typed {
    Typed { named, prepared, full, codes: &[0], custody: Custody::Keeper }
}

/// Exit code 1 says that something is to be mended, which is so here.
const fn judges(named: &'static str) -> Typed {
    Typed { named, prepared: "", full: "", codes: &[0, 1], custody: Custody::Keeper }
}

/// A daemon runs on this database, so that nothing is restored. `tests/daemon/restoring.rs` does it.
const fn refused(named: &'static str) -> Typed {
    let prepared = "rm -f two.backup; keypulse backup two.backup";
    let full = "keypulse restore two.backup --replace --yes";
    Typed { named, prepared, full, codes: &[1], custody: Custody::Keeper }
}

const fn mirror(named: &'static str, full: &'static str) -> Typed {
    Typed { named, prepared: list!(), full, codes: &[0], custody: Custody::Mirror }
}

/// The list that the integration of a mirror pushes.
macro_rules! list {
    () => {
        r#"[ -e comparison.key ] || keypulse reconcile key --out comparison.key >/dev/null
print() { tr -d '\n' | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(cat comparison.key)" | sed 's/.*= *//'; }
{ echo ref,fingerprint
  for n in $(seq 40); do printf 'erp-%04d,%s\n' "$n" "$(field "$n" key | print)"; done
  printf 'erp-483,%s\n' "$(field 41 key | print)"
} > keys.csv"#
    };
}
pub(crate) use list;

const ENDPOINT: &str = "endpoint=$(keypulse webhook list --json | jq -r .endpoint | head -1)";
const DECLARED: &str =
    "keypulse weather declare --class refused --reason 'a test' --for 6h 2>/dev/null || true";
const CLEARED: &str =
    "keypulse weather clear --class refused --reason 'a test' 2>/dev/null || true";
const TOKEN: &str = "id=$(keypulse token new --role reader --name gone --json | jq -r .id)";

/// Whatever cannot be typed as it is named.
pub const TYPED: &[Typed] = &[
    full(
        "keypulse audit verify --expect",
        "keypulse audit verify --expect \"$(keypulse audit verify --json | jq -r .head)\"",
    ),
    full(
        "keypulse audit verify --expect SEQ:MAC",
        "keypulse audit verify --expect \"$(keypulse audit verify --json | jq -r .head)\"",
    ),
    full("keypulse backup FILE", "rm -f one.backup; keypulse backup one.backup"),
    refused("keypulse restore"),
    refused("keypulse restore FILE"),
    full("keypulse explain", "keypulse explain erp-483"),
    after("keypulse mail hold --reason 'a test'", "keypulse mail release --unasked", ""),
    judges("keypulse doctor"),
    judges("keypulse doctor --live"),
    judges("keypulse mail doctor"),
    full("keypulse handover", "keypulse handover list"),
    full(
        "keypulse handover --recipient",
        "keypulse handover --recipient \"$PUBLIC\" --reason 'a test' --yes > all.age",
    ),
    full(
        "keypulse handover --recipient …",
        "keypulse handover --recipient \"$PUBLIC\" --reason 'a test' --yes > all.age",
    ),
    full(
        "keypulse handover --recipient age1… --reason …",
        "keypulse handover --recipient \"$PUBLIC\" --reason 'a test' --yes > all.age",
    ),
    after(
        "replaced 6 erp-0006",
        "keypulse handover fetch REF",
        "keypulse handover fetch erp-0006 > copy.age",
    ),
    after(
        "replaced 7 erp-0007; keypulse handover fetch erp-0007 > copy.age",
        "keypulse handover ack REF",
        "keypulse handover ack erp-0007 --generation 2",
    ),
    full("keypulse mail preview", "keypulse mail preview --out mails"),
    full("keypulse page preview", "keypulse page preview --out pages"),
    after(
        "keypulse tenant disable erp-0008 --compromised --yes",
        "keypulse messages acknowledge REF",
        "keypulse messages acknowledge erp-0008",
    ),
    full("keypulse recipient add", "keypulse recipient add public.txt --name back-end --yes"),
    mirror("keypulse reconcile", "keypulse reconcile keys.csv"),
    mirror("keypulse reconcile FILE", "keypulse reconcile keys.csv"),
    full(
        "keypulse tenant add",
        "field 42 key | keypulse tenant add erp-0042 --company \"$(field 42 company_id)\"",
    ),
    full(
        "keypulse tenant add REF --company ID",
        "field 43 key | keypulse tenant add erp-0043 --company \"$(field 43 company_id)\"",
    ),
    after(
        "keypulse tenant disable erp-0009 --compromised --yes",
        "keypulse tenant confirm-deleted",
        "keypulse tenant confirm-deleted erp-0009",
    ),
    after(
        "keypulse tenant disable erp-0010 --compromised --yes",
        "keypulse tenant confirm-deleted REF",
        "keypulse tenant confirm-deleted erp-0010",
    ),
    after(
        "keypulse tenant contact erp-483 --add c@firm.example; bounced c@firm.example",
        "keypulse tenant contact REF --trust",
        "keypulse tenant contact erp-483 --trust c@firm.example",
    ),
    full(
        "keypulse tenant disable REF --compromised",
        "keypulse tenant disable erp-0011 --compromised",
    ),
    full(
        "keypulse tenant disable REF --compromised --reason \"what happened\"",
        "keypulse tenant disable erp-0012 --compromised --reason \"what happened\"",
    ),
    full("keypulse tenant erase REF", "keypulse tenant erase erp-0013"),
    after(
        "head -2 keys.jsonl > tenants.jsonl; chmod 600 tenants.jsonl",
        "keypulse tenant import FILE",
        "keypulse tenant import tenants.jsonl",
    ),
    after(
        "head -2 keys.jsonl > tenants.jsonl; chmod 600 tenants.jsonl",
        "keypulse tenant import",
        "keypulse tenant import tenants.jsonl",
    ),
    full("keypulse tenant pause", "keypulse tenant pause erp-0014"),
    full("keypulse tenant show", "keypulse tenant show erp-483"),
    full("keypulse tenant check", "until_well keypulse tenant check erp-483"),
    full("keypulse tenant check REF", "until_well keypulse tenant check erp-483"),
    full("keypulse messages resend ID", "keypulse messages resend \"$GIVEN_UP\""),
    full(
        "keypulse messages resend ID --may-be-second",
        "keypulse messages resend \"$UNKNOWN\" --may-be-second",
    ),
    full(
        "keypulse completions bash > /etc/bash_completion.d/keypulse",
        "keypulse completions bash > completions",
    ),
    full("keypulse tenant replace", "new_key 15 | keypulse tenant replace erp-0015"),
    full("keypulse tenant replace REF", "new_key 16 | keypulse tenant replace erp-0016"),
    full(
        "keypulse tenant replace REF --from-integration",
        "new_key 17 | keypulse tenant replace erp-0017 --from-integration",
    ),
    full("keypulse token", "keypulse token list"),
    after(TOKEN, "keypulse token revoke ID", "keypulse token revoke \"$id\""),
    full("keypulse weather", "keypulse weather show"),
    after(DECLARED, "keypulse weather extend", "keypulse weather extend --for 12h"),
    after(DECLARED, "keypulse weather extend --for 12h", ""),
    after(DECLARED, "keypulse weather release --at 100/h", ""),
    after(DECLARED, "keypulse weather clear --class refused --reason TEXT", ""),
    after(
        DECLARED,
        "keypulse weather clear --class refused --reason \"the provider says it is mended\"",
        "",
    ),
    after(
        CLEARED,
        "keypulse weather declare --class refused --reason \"maintenance\" --for 6h",
        "",
    ),
    after(ENDPOINT, "keypulse webhook enable ENDPOINT", "keypulse webhook enable \"$endpoint\""),
    after(ENDPOINT, "keypulse webhook replay ENDPOINT", "keypulse webhook replay \"$endpoint\""),
    after(
        ENDPOINT,
        "keypulse webhook replay ENDPOINT --since 5d",
        "keypulse webhook replay \"$endpoint\" --since 5d",
    ),
];

/// What stands for something of the reader's.
const PLACEHOLDERS: &[(&str, &str)] = &[
    ("REF", "erp-483"),
    ("TEXT", "'a reason'"),
    ("ADDRESS", "anna@firm.example"),
    ("FILE", "keypulse.toml"),
    ("DIR", "made"),
];

/// How a command is typed that is named so.
pub fn typed(named: &str) -> (&'static Typed, String) {
    let words = named.split(' ').map(|word| {
        let stands = PLACEHOLDERS.iter().find(|(name, _)| *name == word);
        stands.map_or(word, |(_, value)| value)
    });
    let filled = words.collect::<Vec<_>>().join(" ");
    let one = TYPED.iter().find(|one| one.named == named).unwrap_or(&PLAIN);
    let script = if one.full.is_empty() { filled } else { one.full.to_owned() };
    (one, script)
}

/// Why a command that is named is not typed, if it is not.
pub fn excuse(named: &str) -> Option<&'static str> {
    let excuses = [
        ("keypulse run", "it runs in every installation in which the others are typed"),
        ("keypulse demo", "takes two minutes: scripts/test runs it, and story.rs the short one"),
    ];
    excuses.iter().find(|(command, _)| *command == named).map(|(_, why)| *why)
}
