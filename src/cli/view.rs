//! How the demo is shown: a live picture on a terminal, plain lines elsewhere, or JSON events.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::health::Status;
use crate::store::MessageCount;
use crate::store::StatusCount;
use crate::store::Store;
use crate::store::TenantView;
use crate::task::Change;

use super::output;

const REDRAW: Duration = Duration::from_millis(250);
/// Lines of the story that stay on the screen.
const KEPT: usize = 12;
const COLUMNS: usize = 4;

/// Where the story goes.
pub struct View {
    json: bool,
    live: bool,
    store: Store,
    clock: Arc<dyn Clock>,
    redraw: Interval,
    lines: VecDeque<String>,
    untouched: bool,
}

/// How it ended.
pub struct Summary {
    /// Whether everything came out as it must.
    pub as_told: bool,
    /// Calls that the provider was asked.
    pub calls: u64,
    /// Tenants by status and cause.
    pub tenants: Vec<StatusCount>,
    /// Messages that would have been sent.
    pub messages: Vec<MessageCount>,
}

impl View {
    /// A view of the fleet in that store.
    pub fn new(json: bool, live: bool, store: Store, clock: Arc<dyn Clock>) -> Self {
        let mut redraw = interval(REDRAW);
        redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { json, live, store, clock, redraw, lines: VecDeque::new(), untouched: true }
    }

    /// Ends when the picture should be drawn again; never, where there is none.
    pub async fn tick(&mut self) {
        if self.live {
            self.redraw.tick().await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// A new part of the story.
    pub fn step(&mut self, text: &str) -> anyhow::Result<()> {
        if self.json {
            return output::json(&json!({
                "type": "demo.step", "time": self.clock.now(), "text": text,
            }));
        }
        self.keep(format!("── {text}"));
        if self.live { Ok(()) } else { output::line(&format!("\n── {text}")) }
    }

    /// A tenant's status has changed.
    pub fn change(&mut self, change: &Change) -> anyhow::Result<()> {
        if self.json {
            return output::json(change);
        }
        if change.from == "pending" && change.to == "healthy" {
            return Ok(());
        }
        let cause = change.cause.map(|cause| format!(" ({})", words(cause))).unwrap_or_default();
        let line = format!(
            "{}  {} {} is now {}{cause}: {}",
            change.time.format("%H:%M:%S"),
            symbol(change.to).0,
            change.tenant,
            words(change.to),
            change.reason
        );
        self.keep(line.clone());
        if self.live { Ok(()) } else { output::line(&line) }
    }

    /// Draws the fleet as it stands.
    pub async fn draw(&mut self) -> anyhow::Result<()> {
        if !self.live {
            return Ok(());
        }
        let tenants = self.store.tenants("", 500).await?;
        let picture = self.picture(&tenants);
        let mut out = std::io::stdout().lock();
        // Home, the picture line by line (each cleared to its end), then clear what is below.
        let body = picture.replace('\n', "\u{1b}[K\r\n");
        let clear = if std::mem::take(&mut self.untouched) { "\u{1b}[2J" } else { "" };
        match write!(out, "{clear}\u{1b}[H{body}\u{1b}[J").and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The end of the story.
    pub fn end(&mut self, summary: &Summary) -> anyhow::Result<()> {
        let count = |status: &str| -> i64 {
            summary.tenants.iter().filter(|one| one.status == status).map(|one| one.tenants).sum()
        };
        let messages = |audience: &str, stage: &str| -> i64 {
            summary
                .messages
                .iter()
                .filter(|one| one.audience == audience && one.stage == stage)
                .map(|one| one.messages)
                .sum()
        };
        if self.json {
            let owed: Vec<_> = summary
                .messages
                .iter()
                .map(|one| {
                    json!({
                        "audience": one.audience, "stage": one.stage,
                        "state": one.state, "messages": one.messages,
                    })
                })
                .collect();
            let tenants: serde_json::Map<_, _> =
                Status::WORDS.iter().map(|word| ((*word).to_owned(), count(word).into())).collect();
            return output::json(&json!({
                "type": "demo.ended", "time": self.clock.now(), "as_told": summary.as_told,
                "calls": summary.calls, "tenants": tenants, "messages": owed,
            }));
        }
        let mut text = String::new();
        writeln!(
            text,
            "\n{} of {} connected after {} calls. Customers would have been written to {} times \
             to reconnect and {} times that all is well; nobody because of the outage.",
            count("healthy"),
            summary.tenants.iter().map(|one| one.tenants).sum::<i64>(),
            summary.calls,
            messages("customer", "first"),
            messages("customer", "resolved"),
        )?;
        write!(
            text,
            "Nothing was sent: this was a rehearsal. Next: `keypulse --help`, README.md."
        )?;
        output::line(&text)
    }

    fn keep(&mut self, line: String) {
        self.lines.push_back(line);
        if self.lines.len() > KEPT {
            self.lines.pop_front();
        }
    }

    fn picture(&self, tenants: &[TenantView]) -> String {
        let mut text = String::from("keypulse demo · minutes are told as seconds\n\n");
        for row in tenants.chunks(COLUMNS) {
            for tenant in row {
                let (symbol, colour) = symbol(tenant.health.status.word());
                let suspect = matches!(tenant.health.status, Status::Healthy { doubt: Some(_) });
                let mark = if suspect { "?" } else { " " };
                let _ = write!(
                    text,
                    "  \u{1b}[{colour}m{symbol}\u{1b}[0m {:<10}{mark}",
                    output::printable(&tenant.reference)
                );
            }
            text.push('\n');
        }
        text.push('\n');
        for word in Status::WORDS {
            let (symbol, colour) = symbol(word);
            let count = tenants.iter().filter(|one| one.health.status.word() == word).count();
            let _ = write!(text, "  \u{1b}[{colour}m{symbol}\u{1b}[0m {} {count}", words(word));
        }
        text.push_str("   ? asked again\n\n");
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// One sign and one colour for each status, the same everywhere.
pub fn symbol(word: &str) -> (char, u8) {
    match word {
        "pending" => ('○', 36),
        "healthy" => ('●', 32),
        "degraded" => ('▲', 33),
        "needs_reconnection" => ('✖', 31),
        "paused" => ('‖', 34),
        _ => ('⊘', 90),
    }
}

/// A word as people read it.
pub fn words(word: &str) -> String {
    word.replace('_', " ")
}
