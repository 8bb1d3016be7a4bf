//! What an answer means for a message: taken, to be tried again, or not to be tried any more.

use std::time::Duration;

/// How long after a first, second, … try that failed the next one is made. Together 27 hours: a
/// receiver that is down for a night or a day misses nothing.
///
/// | failed try | 1 | 2 | 3 | 4 | 5 | 6 | 7 |
/// |---|---|---|---|---|---|---|---|
/// | next after | 5 s | 5 min | 30 min | 2 h | 4 h | 8 h | 12 h 30 min |
pub const PAUSES: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(4),
    Duration::from_hours(8),
    Duration::from_mins(750),
];

/// A receiver may put itself off for no longer than this.
const LONGEST_WISH: Duration = Duration::from_hours(12);

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A status, and how long to wait before the next try where it says so.
    Status(u16, Option<Duration>),
    /// Nobody answered in time.
    Silence,
    /// The connection could not be made, or broke.
    Broken,
    /// The name leads into a private network, and is not allowed to.
    NotPublic,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was taken.
    Delivered,
    /// Not taken; after this time once more.
    TryAgainIn(Duration),
    /// Not taken, and tried often enough. It is kept.
    Dead,
    /// The receiver says that it is no receiver any more.
    Gone,
}

/// What follows from an answer to a message that was tried so often before without success. `jitter`
/// is between 0 and 1 and makes a pause longer by up to a tenth, so that what failed together does not
/// come back together.
///
/// Only 2xx is taken. A redirect is not followed and not taken. Every 4xx but 410 is tried again: a
/// wrong secret or a route that is missing is put right by the next release of the receiver, and the
/// message must not be lost by that.
pub fn fate(answer: Answer, tried: u32, jitter: f64) -> Fate {
    let wish = match answer {
        Answer::Status(200..=299, _) => return Fate::Delivered,
        Answer::Status(410, _) => return Fate::Gone,
        Answer::Status(429 | 503, wish) => wish.map(|wish| wish.min(LONGEST_WISH)),
        Answer::Status(..) | Answer::Silence | Answer::Broken | Answer::NotPublic => None,
    };
    let pause = usize::try_from(tried).ok().and_then(|tried| PAUSES.get(tried));
    let Some(pause) = pause else { return Fate::Dead };
    let pause = pause.max(&wish.unwrap_or_default()).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0);
    Fate::TryAgainIn(pause)
}

impl Answer {
    /// In words, without any value of ours or theirs but the status.
    pub fn words(self) -> String {
        match self {
            Self::Status(status @ 300..=399, _) => {
                format!("it was answered {status}: redirects are not followed")
            }
            Self::Status(status, _) => format!("it was answered {status}"),
            Self::Silence => "nobody answered in time".to_owned(),
            Self::Broken => "the connection could not be made, or broke".to_owned(),
            Self::NotPublic => {
                "its address is not a public one, and `webhook.allow_hosts` does not name it"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_success_is_taken_and_only_gone_ends_it_at_once() {
        for status in [200, 201, 204, 299] {
            assert_eq!(fate(Answer::Status(status, None), 0, 0.0), Fate::Delivered);
        }
        assert_eq!(fate(Answer::Status(410, None), 0, 0.0), Fate::Gone);
        let again = Fate::TryAgainIn(PAUSES[0]);
        for status in [100, 199, 301, 302, 307, 400, 401, 404, 408, 422, 429, 500, 502, 503, 599] {
            assert_eq!(fate(Answer::Status(status, None), 0, 0.0), again, "{status}");
        }
        for answer in [Answer::Silence, Answer::Broken, Answer::NotPublic] {
            assert_eq!(fate(answer, 0, 0.0), again, "{answer:?}");
        }
    }

    #[test]
    fn tries_grow_apart_over_twenty_seven_hours_and_then_end() {
        let mut whole = Duration::ZERO;
        let mut before = Duration::ZERO;
        for tried in 0..7 {
            let Fate::TryAgainIn(pause) = fate(Answer::Silence, tried, 0.0) else {
                panic!("{tried} tries were too many");
            };
            assert!(pause > before);
            (whole, before) = (whole + pause, pause);
        }
        assert!(whole >= Duration::from_hours(27) && whole < Duration::from_hours(28));
        for tried in [7, 8, u32::MAX] {
            assert_eq!(fate(Answer::Silence, tried, 1.0), Fate::Dead);
        }
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_and_not_for_less_or_for_ever() {
        let asked = |status, seconds, tried| {
            fate(Answer::Status(status, Some(Duration::from_secs(seconds))), tried, 0.0)
        };
        let again = |seconds| Fate::TryAgainIn(Duration::from_secs(seconds));
        assert_eq!((asked(429, 60, 0), asked(503, 60, 0)), (again(60), again(60)));
        assert_eq!((asked(429, 1, 1), asked(500, 60, 0)), (again(300), again(5)));
        assert_eq!(asked(429, u64::MAX, 0), Fate::TryAgainIn(LONGEST_WISH));
    }

    #[test]
    fn jitter_only_ever_makes_a_pause_longer_and_by_no_more_than_a_tenth() {
        for jitter in [-1.0, 0.0, 0.5, 1.0, 7.0] {
            let Fate::TryAgainIn(pause) = fate(Answer::Broken, 1, jitter) else { panic!() };
            assert!(pause >= PAUSES[1] && pause <= PAUSES[1].mul_f64(1.1));
        }
    }
}
