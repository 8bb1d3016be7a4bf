//! Log lines: for eyes on a terminal, one JSON object a line elsewhere.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer};

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For eyes where standard error is a terminal, JSON elsewhere.
    Auto,
    /// For eyes.
    Pretty,
    /// One object a line.
    Json,
}

/// Begins to write log lines to standard error. `wanted` is what `RUST_LOG` says: it raises or
/// lowers keypulse's own lines only; other crates never get below `warn`, because their finer
/// lines print addresses, statements and values.
pub fn init(form: Form, wanted: Option<&str>) -> Result<(), TryInitError> {
    let json = match form {
        Form::Auto => !std::io::stderr().is_terminal(),
        Form::Pretty => false,
        Form::Json => true,
    };
    tracing_subscriber::registry().with(lines(json)).with(own_lines(wanted)).with(cap()).try_init()
}

fn lines<S>(json: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(false);
    if json {
        layer.json().flatten_event(true).with_span_list(false).boxed()
    } else {
        layer.with_ansi(std::io::stderr().is_terminal()).compact().boxed()
    }
}

/// `RUST_LOG` as far as it speaks of keypulse; a bare level such as `debug` is meant for keypulse.
fn own_lines(wanted: Option<&str>) -> EnvFilter {
    let directives: Vec<String> = wanted
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
        .filter_map(|directive| {
            if directive.starts_with("keypulse") {
                Some(directive.to_owned())
            } else {
                directive.parse::<LevelFilter>().ok().map(|level| format!("keypulse={level}"))
            }
        })
        .collect();
    let mut filter = EnvFilter::default().add_directive(LevelFilter::WARN.into());
    let default = ["keypulse=info".to_owned()];
    for directive in default.iter().chain(&directives) {
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    filter
}

fn cap() -> Targets {
    Targets::new().with_default(LevelFilter::WARN).with_target("keypulse", LevelFilter::TRACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_raises_keypulse_only() {
        let filter = own_lines(Some("debug,sqlx=trace,reqwest=debug")).to_string();
        assert!(filter.contains("keypulse=debug"), "{filter}");
        assert!(!filter.contains("sqlx"), "{filter}");
        assert!(!filter.contains("reqwest"), "{filter}");
    }

    #[test]
    fn nonsense_in_the_environment_leaves_the_default() {
        let filter = own_lines(Some("keypulse=lots,,=")).to_string();
        assert!(filter.contains("keypulse=info"), "{filter}");
    }
}
