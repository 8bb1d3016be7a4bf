//! What somebody is told who keeps no levels but gets single messages, such as a pager or a chat: that
//! something began, that it got much worse, that it still is so, that it is over. An Alertmanager is told
//! everything all the time and needs none of this.

use chrono::{DateTime, TimeDelta, Utc};

/// Two messages that something got worse are at least so far apart.
pub const APART: TimeDelta = TimeDelta::minutes(5);

/// What was heard last of one alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// Of how many it was true.
    pub count: u32,
    /// When that was heard.
    pub told_at: DateTime<Utc>,
}

/// An alert that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stands {
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// Of how many it is true.
    pub count: u32,
}

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It began.
    Begins,
    /// It is true of at least twice as many as were told.
    Worse,
    /// It still is so.
    Lasts,
    /// It is over.
    Ends,
}

impl News {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Begins, Self::Worse, Self::Lasts, Self::Ends];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Begins => "begins",
            Self::Worse => "worse",
            Self::Lasts => "lasts",
            Self::Ends => "ends",
        }
    }
}

/// What is news of one alert, for somebody who is reminded after `again_after`. What ended before it was
/// told is none.
pub fn news(
    heard: Option<Heard>,
    stands: Option<Stands>,
    again_after: TimeDelta,
    now: DateTime<Utc>,
) -> Option<News> {
    let (heard, stands) = match (heard, stands) {
        (None, None) => return None,
        (None, Some(_)) => return Some(News::Begins),
        (Some(_), None) => return Some(News::Ends),
        (Some(heard), Some(stands)) => (heard, stands),
    };
    if heard.began_at != stands.began_at {
        return Some(News::Begins);
    }
    let since = now - heard.told_at;
    if since >= APART && stands.count >= heard.count.saturating_mul(2).max(1) {
        return Some(News::Worse);
    }
    (since >= again_after).then_some(News::Lasts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: TimeDelta = TimeDelta::days(1);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn heard(count: u32) -> Heard {
        Heard { began_at: at(0), count, told_at: at(1000) }
    }

    fn stands(count: u32) -> Stands {
        Stands { began_at: at(0), count }
    }

    fn later(was: u32, is: u32, seconds: i64) -> Option<News> {
        news(Some(heard(was)), Some(stands(is)), DAY, at(seconds))
    }

    #[test]
    fn its_beginning_and_its_end_are_told_and_what_was_never_heard_has_no_end() {
        assert_eq!(news(None, Some(stands(1)), DAY, at(1)), Some(News::Begins));
        assert_eq!(news(Some(heard(1)), None, DAY, at(1000)), Some(News::Ends));
        assert_eq!(news(None, None, DAY, at(1)), None);
        let again = Stands { began_at: at(2000), count: 1 };
        assert_eq!(news(Some(heard(1)), Some(again), DAY, at(2000)), Some(News::Begins));
    }

    #[test]
    fn twice_as_many_are_news_five_minutes_later_and_a_few_more_are_none() {
        assert_eq!(later(3, 5, 1300), None);
        assert_eq!(later(3, 6, 1299), None);
        assert_eq!(later(3, 6, 1300), Some(News::Worse));
        assert_eq!(later(0, 0, 1300), None);
        let day = 1000 + 24 * 3600;
        assert_eq!(later(3, 3, day - 1), None);
        assert_eq!(later(3, 3, day), Some(News::Lasts));
    }

    proptest! {
        /// From one customer to a million in a day, told at every second that brings news.
        #[test]
        fn a_growing_alert_is_no_flood(counts in proptest::collection::vec(1_u32..1_000_000, 1..500)) {
            let (mut last, mut told) = (None, 0);
            for (number, count) in counts.iter().enumerate() {
                let now = at(i64::try_from(number).unwrap() * 170);
                if news(last, Some(stands(*count)), DAY, now).is_some() {
                    told += 1;
                    last = Some(Heard { began_at: at(0), count: *count, told_at: now });
                }
            }
            // 500 looks 170 s apart are less than a day: one beginning, and what is worse.
            prop_assert!(told <= 1 + counts.len() / 2, "{told}");
        }
    }
}
