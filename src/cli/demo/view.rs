//! How the demo is shown: a live picture on a terminal, plain lines elsewhere, or JSON events.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::cli::output;
use crate::cli::screen::{Screen, Size};
use crate::cli::sign::{coloured, sign, words};
use crate::clock::Clock;
use crate::health::Status;
use crate::store::MessageCount;
use crate::store::StatusCount;
use crate::store::Store;
use crate::store::TenantView;
use crate::task::Change;

use super::ledger::{Ledger, Times};

const REDRAW: Duration = Duration::from_millis(250);
/// Lines of the story that are kept for the screen.
const KEPT: usize = 100;
/// What a named tenant takes of a line.
const NAMED: usize = 15;
/// Unnamed tenants stand in groups of so many.
const GROUP: usize = 10;
/// More tenants than this are not drawn.
const MOST_DRAWN: u32 = 500;

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A picture that is drawn again and again.
    Live,
    /// Lines of text.
    Lines,
    /// One JSON object a line.
    Json,
}

/// Where the story goes.
pub struct View {
    form: Form,
    colour: bool,
    store: Store,
    clock: Arc<dyn Clock>,
    redraw: Interval,
    screen: Screen,
    lines: VecDeque<String>,
    chapter: String,
    hushed: bool,
}

/// How it ended.
pub struct Summary {
    /// Whether everything came out as it must.
    pub as_told: bool,
    /// Calls that the provider was asked.
    pub calls: u64,
    /// Calls in the busiest minute.
    pub busiest: u64,
    /// Calls that are allowed in any minute.
    pub budget: u32,
    /// Tenants by status and cause.
    pub tenants: Vec<StatusCount>,
    /// Messages that would have been sent.
    pub messages: Vec<MessageCount>,
}

impl View {
    /// A view of the fleet in that store.
    pub fn new(form: Form, store: Store, clock: Arc<dyn Clock>) -> Self {
        let mut redraw = interval(REDRAW);
        redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            form,
            colour: coloured(),
            store,
            clock,
            redraw,
            screen: Screen::default(),
            lines: VecDeque::new(),
            chapter: String::new(),
            hushed: false,
        }
    }

    /// Ends when the picture should be drawn again; never, where there is none.
    pub async fn tick(&mut self) {
        if self.form == Form::Live {
            self.redraw.tick().await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// A new part of the story.
    pub fn step(&mut self, text: &str) -> anyhow::Result<()> {
        if self.form == Form::Json {
            return output::json(&json!({
                "type": "demo.step", "time": self.clock.now(), "text": text,
            }));
        }
        self.chapter = format!("── {text}");
        self.keep(self.chapter.clone());
        if self.form == Form::Live { Ok(()) } else { output::line(&format!("\n── {text}")) }
    }

    /// People are not told of single changes from now on: there are too many.
    pub fn hush(&mut self) {
        self.hushed = true;
    }

    /// They are again.
    pub fn speak(&mut self) {
        self.hushed = false;
    }

    /// A tenant's status has changed.
    pub fn change(&mut self, change: &Change) -> anyhow::Result<()> {
        if self.form == Form::Json {
            return output::json(change);
        }
        let expected = change.from == "pending" && change.to == "healthy";
        if expected || self.hushed && change.to != "needs_reconnection" {
            return Ok(());
        }
        let cause = change.cause.map(|cause| format!(" ({})", words(cause))).unwrap_or_default();
        let line = format!(
            "{}  {} {} is now {}{cause}: {}",
            change.time.format("%H:%M:%S"),
            sign(change.to, false),
            change.tenant,
            words(change.to),
            change.reason
        );
        self.keep(line.clone());
        if self.form == Form::Live { Ok(()) } else { output::line(&line) }
    }

    /// Draws the fleet as it stands.
    pub async fn draw(&mut self, ledger: &Ledger) -> anyhow::Result<()> {
        if self.form != Form::Live {
            return Ok(());
        }
        let tenants = self.store.tenants("", MOST_DRAWN).await?;
        let picture = self.picture(&tenants, ledger, Size::now());
        self.screen.draw(&picture)
    }

    /// The end of the story.
    pub fn end(&mut self, summary: &Summary, ledger: &Ledger) -> anyhow::Result<()> {
        if self.form == Form::Json {
            output::json(&described(summary, ledger, self.clock.now()))
        } else {
            self.screen.leave()?;
            output::line(&closing(summary, ledger))
        }
    }

    fn keep(&mut self, line: String) {
        self.lines.push_back(line);
        if self.lines.len() > KEPT {
            self.lines.pop_front();
        }
    }

    fn picture(&self, tenants: &[TenantView], ledger: &Ledger, size: Size) -> String {
        let mut lines =
            vec!["keypulse demo · minutes are told as seconds".to_owned(), String::new()];
        lines.extend(self.fleet(tenants, size));
        lines.push(String::new());
        lines.extend(self.legend(tenants, ledger, size));
        lines.push(String::new());
        lines.extend(self.story(size.rows.saturating_sub(lines.len()), size.columns));
        lines.join("\n")
    }

    /// The latest of the story, below the chapter that it belongs to; every entry whole.
    fn story(&self, rows: usize, columns: usize) -> Vec<String> {
        let wrapped = |line: &String| output::wrapped(line, columns, 4);
        let chapter = self.lines.iter().rposition(|line| *line == self.chapter);
        let before: Vec<_> = self.lines.iter().take(chapter.unwrap_or(0)).map(wrapped).collect();
        let since: Vec<_> =
            self.lines.iter().skip(chapter.map_or(0, |at| at + 1)).map(wrapped).collect();
        let chapter = wrapped(&self.chapter);
        let since = latest(&since, rows.saturating_sub(chapter.len()));
        let before = latest(&before, rows.saturating_sub(chapter.len() + since.len()));
        before.into_iter().chain(chapter).chain(since).collect()
    }

    /// Everybody, by name where there is room for it, else as a sign.
    fn fleet(&self, tenants: &[TenantView], size: Size) -> Vec<String> {
        let mark = |tenant: &TenantView| {
            matches!(tenant.health.status, Status::Healthy { doubt: Some(_) })
        };
        let named = (size.columns / NAMED).max(1);
        if tenants.len().div_ceil(named) * 3 <= size.rows {
            let cell = |tenant: &TenantView| {
                let sign = sign(tenant.health.status.word(), self.colour);
                let suspect = if mark(tenant) { "?" } else { " " };
                let name = output::cut(&output::printable(&tenant.reference), 10);
                format!("  {sign} {name:<10}{suspect}")
            };
            return tenants.chunks(named).map(|row| row.iter().map(cell).collect()).collect();
        }
        let groups = (size.columns.saturating_sub(2) / (GROUP + 1)).max(1);
        let cell = |tenant: &TenantView| {
            if mark(tenant) {
                "?".to_owned()
            } else {
                sign(tenant.health.status.word(), self.colour)
            }
        };
        let row = |row: &[TenantView]| {
            let groups = row.chunks(GROUP).map(|group| group.iter().map(cell).collect::<String>());
            format!("  {}", groups.collect::<Vec<_>>().join(" "))
        };
        tenants.chunks(groups * GROUP).map(row).collect()
    }

    /// What the signs mean, how many there are of each, and how it goes.
    fn legend(&self, tenants: &[TenantView], ledger: &Ledger, size: Size) -> Vec<String> {
        let mut parts = Vec::new();
        for word in Status::WORDS {
            let count = tenants.iter().filter(|one| one.health.status.word() == word).count();
            if count > 0 || !matches!(word, "paused" | "disabled") {
                parts.push((word, format!("{} {count}", words(word))));
            }
        }
        let (mut lines, mut line, mut width) = (Vec::new(), String::new(), 0);
        for (word, part) in parts {
            let wide = part.chars().count() + 4;
            if width + wide > size.columns {
                lines.push(std::mem::take(&mut line));
                width = 0;
            }
            let _ = write!(line, "  {} {part}", sign(word, self.colour));
            width += wide;
        }
        lines.push(line);
        let alarms = ledger.false_alarms().len();
        lines.push(format!("  ? asked again   false alarms {alarms}"));
        lines
    }
}

/// As many of the last entries as fit into so many rows.
fn latest(entries: &[Vec<String>], mut rows: usize) -> Vec<String> {
    let fits = |entry: &&Vec<String>| {
        let left = rows.checked_sub(entry.len());
        rows = left.unwrap_or(rows);
        left.is_some()
    };
    let mut shown: Vec<_> = entries.iter().rev().take_while(fits).collect();
    shown.reverse();
    shown.into_iter().flatten().cloned().collect()
}

/// The end as people read it.
fn closing(summary: &Summary, ledger: &Ledger) -> String {
    let mut text = String::from("\n");
    let row = |text: &mut String, cells: [&str; 5]| {
        let [what, happened, found, median, longest] = cells;
        let _ = writeln!(text, "{what:<24}{happened:>9}{found:>7}{median:>10}{longest:>9}");
    };
    row(&mut text, ["what happened", "how many", "found", "typically", "longest"]);
    for one in ledger.scores() {
        let [happened, found] = [one.happened, one.found].map(|count| count.to_string());
        let (median, longest) = times(&one.took);
        row(&mut text, [one.mishap.title(), &happened, &found, &median, &longest]);
    }
    let (median, longest) = times(&ledger.took());
    let written = |stage: &str| -> i64 {
        let of = |one: &&MessageCount| one.audience == "customer" && one.stage == stage;
        summary.messages.iter().filter(of).map(|one| one.messages).sum()
    };
    let _ = writeln!(text);
    let mut fact = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<24}{value}");
    };
    fact("until one must act", format!("typically {median}, at most {longest}"));
    fact("false alarms", ledger.false_alarms().len().to_string());
    if ledger.ever_doubted() > 0 {
        fact("doubted, not bothered", ledger.ever_doubted().to_string());
    }
    fact(
        "calls",
        format!("{}, busiest minute {} of {}", summary.calls, summary.busiest, summary.budget),
    );
    fact(
        "connected at the end",
        format!(
            "{} of {}",
            count(summary, "healthy"),
            summary.tenants.iter().map(|one| one.tenants).sum::<i64>()
        ),
    );
    fact(
        "customers written to",
        format!("{} to reconnect, {} that all is well", written("first"), written("resolved")),
    );
    let _ = write!(
        text,
        "\nNothing was sent: this was a rehearsal. Next: `keypulse --help`, README.md."
    );
    text
}

fn times(times: &Times) -> (String, String) {
    let said = |time: Option<TimeDelta>| {
        time.map_or_else(|| "–".to_owned(), |time| format!("{:.1} s", seconds(time)))
    };
    (said(times.median()), said(times.longest()))
}

fn seconds(time: TimeDelta) -> f64 {
    time.to_std().unwrap_or_default().as_secs_f64()
}

fn count(summary: &Summary, status: &str) -> i64 {
    summary.tenants.iter().filter(|one| one.status == status).map(|one| one.tenants).sum()
}

/// The end as programs read it.
fn described(summary: &Summary, ledger: &Ledger, time: DateTime<Utc>) -> Value {
    let tenants: serde_json::Map<_, _> = Status::WORDS
        .iter()
        .map(|word| ((*word).to_owned(), count(summary, word).into()))
        .collect();
    let messages: Vec<_> = summary
        .messages
        .iter()
        .map(|one| {
            json!({
                "audience": one.audience, "stage": one.stage,
                "state": one.state, "messages": one.messages,
            })
        })
        .collect();
    let found: Vec<_> = ledger
        .scores()
        .iter()
        .map(|one| {
            json!({
                "what": one.mishap.word(), "happened": one.happened, "found": one.found,
                "seconds_median": one.took.median().map(seconds),
                "seconds_longest": one.took.longest().map(seconds),
            })
        })
        .collect();
    let took = ledger.took();
    json!({
        "type": "demo.ended", "time": time, "as_told": summary.as_told,
        "calls": summary.calls, "busiest_minute": summary.busiest,
        "budget_per_minute": summary.budget, "tenants": tenants, "messages": messages,
        "found": found, "seconds_median": took.median().map(seconds),
        "seconds_longest": took.longest().map(seconds),
        "false_alarms": ledger.false_alarms(), "doubted": ledger.ever_doubted(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_story_the_latest_entries_are_shown_and_none_in_part() {
        let entry = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let entries: [Vec<String>; 3] = [entry(&["one"]), entry(&["two", "2"]), entry(&["three"])];
        assert_eq!(latest(&entries, 4), ["one", "two", "2", "three"]);
        assert_eq!(latest(&entries, 2), ["three"]);
        assert_eq!(latest(&entries, 0), Vec::<String>::new());
    }
}
