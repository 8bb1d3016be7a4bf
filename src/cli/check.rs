//! Things that were looked at, each with how it is and what to do, as commands say them.

use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use crate::redact::chain;

use super::output;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and something should be done.
    Warning,
    /// It does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What it is.
    pub name: &'static str,
    /// How it is.
    pub level: Level,
    /// What was seen.
    pub says: String,
    /// What to do.
    #[serde(rename = "do")]
    pub to_do: Option<String>,
}

impl Check {
    /// It is as it should be.
    pub fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, level: Level::Ok, says: says.into(), to_do: None }
    }

    /// It works, and something should be done.
    pub fn warning(name: &'static str, says: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { name, level: Level::Warning, says: says.into(), to_do: Some(to_do.into()) }
    }

    /// It does not work.
    pub fn problem(name: &'static str, says: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { name, level: Level::Problem, says: says.into(), to_do: Some(to_do.into()) }
    }

    /// An error whose own words say what to do.
    pub fn refused(name: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self { name, level: Level::Problem, says: chain(error), to_do: None }
    }
}

/// Says what was seen. The exit code is a failure where there is a problem.
pub fn report(checks: &[Check], json: bool) -> anyhow::Result<ExitCode> {
    let worst = checks.iter().map(|check| check.level).max().unwrap_or(Level::Ok);
    if json {
        output::document(&json!({"ok": worst != Level::Problem, "checks": checks}))?;
    } else {
        for check in checks {
            output::line(&show(check))?;
        }
        let count = |level, what| {
            let found = checks.iter().filter(|check| check.level == level).count();
            output::many(i64::try_from(found).unwrap_or(i64::MAX), what)
        };
        let problems = count(Level::Problem, "problem");
        output::line(&format!("\n{problems}, {}", count(Level::Warning, "warning")))?;
    }
    Ok(if worst == Level::Problem { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show(check: &Check) -> String {
    let level = match check.level {
        Level::Ok => "● ok     ",
        Level::Warning => "▲ warning",
        Level::Problem => "✖ problem",
    };
    let line = format!("{level}  {:<14} {}", check.name, output::printable(&check.says));
    match &check.to_do {
        Some(to_do) => format!("{line}\n{:26} → {}", "", output::printable(to_do)),
        None => line,
    }
}
