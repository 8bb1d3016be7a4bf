//! How a tenant fared, as a picture: a bar of the last thirty days in the colours of its statuses. The list
//! of decisions beside it says the same in words.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::http::api::explain::Decided;

use super::when::When;

/// So many days are drawn, on so many units of width.
const DAYS: i64 = 30;
const WIDTH: f64 = 1_000.0;
/// What is shorter is drawn as wide as this, so that it is seen.
const LEAST: f64 = 3.0;

/// A bar.
#[derive(Debug, Serialize)]
pub struct Picture {
    /// The pieces, from the past to now.
    pub pieces: Vec<Piece>,
    /// Where it begins.
    pub from: When,
    /// Which statuses are in it, each once.
    pub words: Vec<String>,
}

/// A time in one status.
#[derive(Debug, PartialEq, Serialize)]
pub struct Piece {
    /// The word of the status.
    pub status: String,
    /// Where it begins, in units of width.
    pub x: f64,
    /// How wide it is.
    pub width: f64,
    /// From when to when, in words.
    pub title: String,
}

impl Picture {
    /// The last days of a tenant that has the status `word` since `since`. `decided` is in its order;
    /// `begun` is when the tenant was added, where no earlier decision is left out. Of what nobody knows
    /// nothing is drawn.
    pub fn of(
        decided: &[Decided],
        (word, since): (&str, DateTime<Utc>),
        begun: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Self {
        let edge = now - TimeDelta::days(DAYS);
        let changes: Vec<(DateTime<Utc>, &Decided)> =
            decided.iter().filter_map(|one| Some((one.at?, one))).collect();
        let mut spans: Vec<(String, DateTime<Utc>, DateTime<Utc>)> = Vec::new();
        let first = changes.first();
        let start = if first.is_some() { begun } else { Some(since) };
        let before =
            first.map_or(Some(word), |(_, one)| one.from.as_deref().or(one.status.as_deref()));
        let until = first.map_or(now, |(at, _)| *at);
        if let (Some(before), Some(start)) = (before, start) {
            spans.push((before.to_owned(), start, until));
        }
        for (number, (at, one)) in changes.iter().enumerate() {
            let until = changes.get(number + 1).map_or(now, |(at, _)| *at);
            let status = one.status.clone().unwrap_or_default();
            match spans.last_mut() {
                Some((last, _, end)) if *last == status => *end = until,
                _ => spans.push((status, *at, until)),
            }
        }
        let place = |at: DateTime<Utc>| {
            let part = (at - edge).as_seconds_f64() / TimeDelta::days(DAYS).as_seconds_f64();
            (part * WIDTH).clamp(0.0, WIDTH)
        };
        let mut pieces = Vec::new();
        let mut words: Vec<String> = Vec::new();
        for (status, from, to) in spans {
            if to <= edge || from > now || status.is_empty() {
                continue;
            }
            let (x, end) = (place(from), place(to));
            let title = format!(
                "{} from {} to {}",
                crate::plain::words(&status),
                from.format("%Y-%m-%d %H:%M"),
                if to == now {
                    "now".to_owned()
                } else {
                    to.format("%Y-%m-%d %H:%M UTC").to_string()
                }
            );
            if !words.contains(&status) {
                words.push(status.clone());
            }
            let x = x.min(WIDTH - LEAST);
            pieces.push(Piece { status, x, width: (end - x).max(LEAST), title });
        }
        Self { pieces, from: When::of(edge, now), words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    fn decided(days: i64, from: &str, to: &str) -> Decided {
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Decided {
            at: Some(now() - TimeDelta::days(days)),
            from: word(from),
            status: word(to),
            cause: None,
            reason: None,
            by: "daemon".to_owned(),
        }
    }

    fn drawn(decided: &[Decided], created: i64) -> Vec<(String, i64, i64)> {
        let created = now() - TimeDelta::days(created);
        let picture = Picture::of(decided, ("healthy", created), Some(created), now());
        #[expect(clippy::cast_possible_truncation, reason = "a bar has a thousand units")]
        let whole = |part: f64| part.round() as i64;
        picture.pieces.into_iter().map(|one| (one.status, whole(one.x), whole(one.width))).collect()
    }

    #[test]
    fn each_status_is_as_wide_as_it_was_long() {
        let all = [decided(20, "pending", "healthy"), decided(10, "healthy", "degraded")];
        let wide = |status: &str, x, width| (status.to_owned(), x, width);
        assert_eq!(
            drawn(&all, 60),
            [wide("pending", 0, 333), wide("healthy", 333, 333), wide("degraded", 667, 333)]
        );
        let known = Picture::of(&all, ("degraded", now()), None, now());
        assert_eq!(known.pieces.len(), 2, "what was before the first that is known is not drawn");
        // One that came three days ago.
        assert_eq!(drawn(&[], 3), [wide("healthy", 900, 100)]);
    }

    #[test]
    fn what_changes_nothing_is_one_piece_and_what_is_short_is_seen() {
        let same = [decided(20, "", "healthy"), decided(5, "", "healthy")];
        assert_eq!(drawn(&same, 60).len(), 1);
        let now = [decided(0, "healthy", "degraded")];
        let last = drawn(&now, 60).pop().unwrap();
        assert_eq!(last, ("degraded".to_owned(), 997, 3));
        let long_ago = [decided(90, "pending", "healthy"), decided(80, "healthy", "disabled")];
        assert_eq!(drawn(&long_ago, 100), [("disabled".to_owned(), 0, 1_000)]);
    }
}
