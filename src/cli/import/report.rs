//! What became of the lines: counted, the first refusals kept, all of them written to a file where
//! that is wanted.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use crate::store::Fate;

use super::refusal::Refusal;

/// Refusals that are shown; the rest is counted.
const SHOWN: usize = 20;

/// The lines of one run.
#[derive(Debug, Default)]
pub struct Report {
    /// Tenants that are new.
    pub added: u64,
    /// Tenants of which something beside the key is new.
    pub updated: u64,
    /// Tenants that were so already.
    pub unchanged: u64,
    /// Lines that were not taken.
    pub refused: u64,
    /// Standalone keys that begin unlike the provider's others.
    pub unusual: u64,
    shown: Vec<(u64, String)>,
    file: Option<BufWriter<File>>,
}

impl Report {
    /// A report that is also written to a new file, as one JSON object a refusal.
    pub fn to(file: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map(BufWriter::new)
                .with_context(|| format!("{} cannot be made", path.display()))
        };
        Ok(Self { file: file.map(open).transpose()?, ..Self::default() })
    }

    /// A line was not taken.
    pub fn refuse(&mut self, line: u64, why: &Refusal) -> anyhow::Result<()> {
        self.refused += 1;
        if self.shown.len() < SHOWN {
            self.shown.push((line, why.to_string()));
        }
        if let Some(file) = &mut self.file {
            let text = json!({ "line": line, "reason": why.to_string() });
            writeln!(file, "{text}").context("the report cannot be written")?;
        }
        Ok(())
    }

    /// A line was taken.
    pub fn take(&mut self, fate: Fate) {
        match fate {
            Fate::Added => self.added += 1,
            Fate::Updated => self.updated += 1,
            _ => self.unchanged += 1,
        }
    }

    /// Brings the file to its end.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        match &mut self.file {
            Some(file) => file.flush().context("the report cannot be written"),
            None => Ok(()),
        }
    }

    /// As people read it.
    pub fn text(&self, rehearsed: bool) -> String {
        let would = if rehearsed { "nothing was written; it would be: " } else { "" };
        let mut text = format!(
            "{would}added {}, updated {}, unchanged {}, refused {}",
            self.added, self.updated, self.unchanged, self.refused
        );
        for (line, why) in &self.shown {
            let _ = write!(text, "\nline {line}: {why}");
        }
        let hidden = self.refused - self.shown.len() as u64;
        if hidden > 0 {
            let _ = write!(text, "\nand {hidden} more; `--report FILE` writes all of them");
        }
        text
    }

    /// As programs read it.
    pub fn json(&self, rehearsed: bool) -> Value {
        let refusals: Vec<Value> =
            self.shown.iter().map(|(line, why)| json!({ "line": line, "reason": why })).collect();
        json!({
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "unusual_keys": self.unusual,
            "dry_run": rehearsed,
            "refusals": refusals,
        })
    }
}
