//! The rules, as tables: who may import whom, which crate is named where. To change the layering,
//! change a line here and say why in `docs/adr/`.

/// What one module of `src/` may import of its siblings.
pub struct Row {
    pub module: &'static str,
    pub may_import: &'static [&'static str],
}

/// What everything above may use: no input, no output, no state of its own.
const BASE: &[&str] = &["health", "ids", "clock", "redact"];

/// The same, for whoever asks somebody outside.
const OUTWARD: &[&str] = &["edge", "health", "ids", "clock", "redact"];

/// The same, for whoever writes to people.
const TELLING: &[&str] = &["templates", "words", "edge", "health", "ids", "clock", "redact"];

/// `http` and `task` do not know each other; `app` introduces them.
const SERVICE: &[&str] = &[
    "edge",
    "given",
    "plain",
    "store",
    "provider",
    "custody",
    "notify",
    "vault",
    "config",
    "telemetry",
    "templates",
    "words",
    "shutdown",
    "health",
    "ids",
    "clock",
    "redact",
];

/// From the top down; a module reads only what its row names, and itself.
pub const ROWS: &[Row] = &[
    row("main", &["cli", "app", "redact"]),
    row("lib", &[]),
    row(
        "cli",
        &[
            "app",
            "http",
            "task",
            "rehearse",
            "sandbox",
            "store",
            "provider",
            "custody",
            "notify",
            "vault",
            "config",
            "telemetry",
            "templates",
            "words",
            "shutdown",
            "edge",
            "given",
            "plain",
            "health",
            "ids",
            "clock",
            "redact",
        ],
    ),
    row(
        "app",
        &[
            "http",
            "task",
            "rehearse",
            "sandbox",
            "store",
            "provider",
            "custody",
            "notify",
            "vault",
            "config",
            "telemetry",
            "templates",
            "words",
            "shutdown",
            "edge",
            "given",
            "plain",
            "health",
            "ids",
            "clock",
            "redact",
        ],
    ),
    row("http", SERVICE),
    row("task", SERVICE),
    row("rehearse", &["config", "health", "ids", "clock", "redact"]),
    row("store", BASE),
    row("provider", OUTWARD),
    row("custody", OUTWARD),
    row("notify", TELLING),
    row("vault", BASE),
    row("config", BASE),
    row("telemetry", BASE),
    row("templates", &["words", "redact"]),
    row("words", &["redact"]),
    row("sandbox", &["ids", "clock", "redact"]),
    row("edge", &[]),
    row("given", &["redact"]),
    row("plain", &[]),
    row("shutdown", &[]),
    row("health", &[]),
    row("ids", &[]),
    row("clock", &[]),
    row("redact", &[]),
];

const fn row(module: &'static str, may_import: &'static [&'static str]) -> Row {
    Row { module, may_import }
}

/// Modules that may name no outside crate but these. Test code may also use dev-dependencies.
pub const SPARE: &[(&str, &[&str])] = &[("health", &["std", "core", "alloc", "chrono"])];

/// A name and the only places that may say it. A place is a module path below `src/`; a `*` at its
/// end stands for the rest of a name.
pub struct Confined {
    pub name: &'static str,
    pub places: &'static [&'static str],
    pub why: &'static str,
}

const DATABASE: &str = "only the store knows tables and SQL";
const CLOCK: &str = "time is handed in; only `clock` reads the machine";
const LANGUAGE: &str = "one module knows how languages write texts, dates and lists";
const TEMPLATES: &str = "where templates are filled in, and by whom";
const PLAIN: &str = "a plaintext secret is touched only where it must leave or be sealed";

/// Outside crates with one home each.
pub const CRATES: &[Confined] = &[
    confined("sea_orm", &["store"], DATABASE),
    confined("sea_orm_migration", &["store"], DATABASE),
    confined("sqlx", &["store"], DATABASE),
    confined("migrations", &["store"], DATABASE),
    confined(
        "reqwest",
        &["edge", "provider", "custody", "notify"],
        "every outgoing HTTP client is built in one place",
    ),
    confined("lettre", &["notify"], "only notify speaks SMTP"),
    confined("hickory_resolver", &["notify::mail"], "only mail looks into the DNS by itself"),
    confined("axum", &["http", "sandbox"], "only listeners speak HTTP to callers"),
    confined("utoipa", &["http"], "the API is described where it is served"),
    confined("utoipa_axum", &["http"], "the API is described where it is served"),
    confined("utoipa_swagger_ui", &["http"], "the API is described where it is served"),
    confined("governor", &["http"], "callers are held back where they are served"),
    confined(
        "tokio_rustls",
        &["http", "notify::mail"],
        "only listeners speak TLS to callers, and only mail to a relay",
    ),
    confined("rustls_platform_verifier", &["notify::mail"], "only mail makes its own TLS client"),
    confined("minijinja", &["http", "notify", "templates"], TEMPLATES),
    confined("css_inline", &["notify"], "only a mail needs its styles at each element"),
    confined("ring", &["vault", "ids", "sandbox::key*"], "cryptography has one home"),
    confined("fluent_bundle", &["words"], LANGUAGE),
    confined("fluent_syntax", &["words"], LANGUAGE),
    confined("unic_langid", &["words"], LANGUAGE),
    confined("icu_calendar", &["words"], LANGUAGE),
    confined("icu_datetime", &["words"], LANGUAGE),
    confined("icu_list", &["words"], LANGUAGE),
    confined("icu_locale_core", &["words"], LANGUAGE),
    confined("jiff", &["words"], LANGUAGE),
    confined("clap", &["cli"], "only the command line parses arguments"),
];

/// Functions with few homes, by the end of the path or the method's name.
pub const CALLS: &[Confined] = &[
    confined("expose_secret", SECRET_HOMES, PLAIN),
    confined("expose_secret_mut", SECRET_HOMES, PLAIN),
    confined("expose", SECRET_HOMES, PLAIN),
    confined("Utc::now", &["clock"], CLOCK),
    confined("Local::now", &["clock"], CLOCK),
    confined("SystemTime::now", &["clock"], CLOCK),
];

/// `store::open` takes a database address that may hold a password; the sandbox makes its own keys.
const SECRET_HOMES: &[&str] = &[
    "provider",
    "vault",
    "custody",
    "notify",
    "config",
    "edge",
    "redact",
    "store::open",
    "task::link",
    "sandbox",
];

/// A module that its parent keeps to itself: tables and rows are nobody else's business.
pub const PRIVATE: &[&str] = &["store", "entity"];

const fn confined(
    name: &'static str,
    places: &'static [&'static str],
    why: &'static str,
) -> Confined {
    Confined { name, places, why }
}
