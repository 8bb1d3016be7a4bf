//! Whether a mail may go to a customer now, and which reminder is due. Facts in, verdict out; what the
//! facts are, the store says in the instant in which a mail is begun.

use chrono::{DateTime, TimeDelta, Utc};

/// Which mail it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailStage {
    /// Something needs to be done.
    First,
    /// It still does; the how-manieth time that this is said, from 1.
    Reminder(u32),
    /// It was done.
    Resolved,
    /// The key works, and will expire in about so many days.
    Expiring(u32),
    /// A new link, at the reader's own wish.
    Link,
    /// One that may have arrived is sent once more, because a person said so; which stage it repeats
    /// does not matter: that it is asked for still does.
    Again,
}

impl MailStage {
    /// The label of this stage.
    pub fn word(self) -> String {
        match self {
            Self::First => "first".to_owned(),
            Self::Reminder(number) => format!("reminder-{number}"),
            Self::Resolved => "resolved".to_owned(),
            Self::Expiring(days) => format!("expiring-{days}"),
            Self::Link => "link".to_owned(),
            Self::Again => "again".to_owned(),
        }
    }

    /// The same without its number: there are few of them.
    pub fn kind(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Reminder(_) => "reminder",
            Self::Resolved => "resolved",
            Self::Expiring(_) => "expiring",
            Self::Link => "link",
            Self::Again => "again",
        }
    }

    /// The stage of that label.
    pub fn parse(word: &str) -> Option<Self> {
        let number = |text: &str| text.parse::<u32>().ok();
        match word {
            "first" => Some(Self::First),
            "resolved" => Some(Self::Resolved),
            "link" => Some(Self::Link),
            "again" => Some(Self::Again),
            other => match other.split_once('-')? {
                ("reminder", text) => number(text).map(Self::Reminder),
                ("expiring", text) => number(text).map(Self::Expiring),
                _ => None,
            },
        }
    }
}

/// What a mail is to be judged by, read together in one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, read together")]
pub struct Standings {
    /// Whether this customer is written to at all: the mode is `live` for it.
    pub live: bool,
    /// Whether all mail is held by a person.
    pub held: bool,
    /// Whether the provider is in trouble, in the class of what the mail is about.
    pub bad_weather: bool,
    /// Whether the status still asks something of the customer, in the episode of the mail.
    pub asks: bool,
    /// Whether a person has paused the tenant.
    pub paused: bool,
    /// Whether the customer was told of the episode.
    pub told: bool,
    /// Whether the customer is being told of it at this moment, for all that is known.
    pub telling: bool,
    /// Whether the customer no longer uses the integration.
    pub gone: bool,
    /// Whether it is a time of day at which the customer may be written to.
    pub in_hours: bool,
    /// Whether a first mail waits for such a time as well.
    pub first_waits: bool,
    /// Mails begun to all customers within the last hour, and how many may be.
    pub hour: (u32, u32),
    /// The same of this customer.
    pub own_hour: (u32, u32),
}

/// Whether a mail may be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Now.
    Now,
    /// Not yet.
    NotYet(Wait),
    /// Never any more: what it says is not true now.
    Never(Over),
}

/// What a mail waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// For customers being written to.
    Live,
    /// For a person to release what is held.
    Held,
    /// For the end of a mail that is on its way: whether there is anything to take back.
    Telling,
    /// For the provider to work again.
    Weather,
    /// For the end of a pause.
    Paused,
    /// For a time at which people read mail.
    Hours,
    /// For the next hour: as many as are allowed were sent to all customers in this one.
    FleetCap,
    /// The same, to this customer.
    OwnCap,
}

/// Why a mail is not sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Nothing is asked of the customer now.
    NotAsked,
    /// The customer was never told the bad news, so the good is none.
    NeverTold,
    /// Something is wrong with the key meanwhile, which is said by another mail.
    Broken,
    /// The customer no longer uses the integration.
    Gone,
}

impl Wait {
    /// In words, for whoever looks at the message.
    pub fn words(self) -> &'static str {
        match self {
            Self::Live => "customers are not written to in this mode",
            Self::Held => "all mail is held",
            Self::Telling => "another mail of the story is on its way",
            Self::Weather => "the provider is in trouble",
            Self::Paused => "the tenant is paused",
            Self::Hours => "it is not the time of day for mail where the customer is",
            Self::FleetCap => "`mail.most_per_hour` was reached",
            Self::OwnCap => "`mail.most_per_tenant_per_hour` was reached",
        }
    }
}

impl Over {
    /// In words, for whoever looks at the message.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotAsked => "nothing is asked of the customer any more",
            Self::NeverTold => "the customer was never told that anything was wrong",
            Self::Broken => "the key does not work any more, which another mail says",
            Self::Gone => "the customer no longer uses the integration",
        }
    }
}

/// Judges a mail. What makes it untrue comes before what it waits for: it is given up at once and not
/// when its time has come.
pub fn may_go(stage: MailStage, facts: &Standings) -> Go {
    let unsettled = stage == MailStage::Resolved && !facts.told && facts.telling;
    if unsettled && !facts.asks && !facts.gone {
        return Go::NotYet(Wait::Telling);
    }
    if let Some(over) = over(stage, facts) {
        return Go::Never(over);
    }
    let asks = matches!(stage, MailStage::First | MailStage::Reminder(_) | MailStage::Again);
    // Whoever asks for a link sits in front of the page at this moment.
    let wished = stage == MailStage::Link;
    let waits_for_hours = match stage {
        MailStage::First => facts.first_waits,
        MailStage::Reminder(_) | MailStage::Expiring(_) => true,
        MailStage::Resolved | MailStage::Link | MailStage::Again => false,
    };
    let waits = [
        (!facts.live, Wait::Live),
        (facts.held, Wait::Held),
        (facts.paused && !wished, Wait::Paused),
        (facts.bad_weather && asks, Wait::Weather),
        (!facts.in_hours && waits_for_hours, Wait::Hours),
        (facts.own_hour.0 >= facts.own_hour.1, Wait::OwnCap),
        (facts.hour.0 >= facts.hour.1, Wait::FleetCap),
    ];
    match waits.into_iter().find(|(waits, _)| *waits) {
        Some((_, wait)) => Go::NotYet(wait),
        None => Go::Now,
    }
}

fn over(stage: MailStage, facts: &Standings) -> Option<Over> {
    let Standings { asks, told, gone, .. } = *facts;
    match stage {
        _ if gone => Some(Over::Gone),
        MailStage::First | MailStage::Reminder(_) | MailStage::Again => {
            (!asks).then_some(Over::NotAsked)
        }
        MailStage::Resolved if asks => Some(Over::Broken),
        MailStage::Resolved => (!told).then_some(Over::NeverTold),
        MailStage::Expiring(_) => asks.then_some(Over::Broken),
        MailStage::Link => None,
    }
}

/// The reminder that is due at `now` to somebody who was first told at `told_at` and reminded `sent`
/// times since: its number, from 1. `after` says how long after the first mail each comes, rising. Of
/// several that are due, because nobody could send for a while, only the last is sent.
pub fn reminder_due(
    told_at: DateTime<Utc>,
    sent: u32,
    after: &[TimeDelta],
    now: DateTime<Utc>,
) -> Option<u32> {
    let past = after.iter().take_while(|span| now - told_at >= **span).count();
    let past = u32::try_from(past).unwrap_or(u32::MAX);
    (past > sent).then_some(past)
}

/// The announcement that is due at `now` of a key that expires at `expires_at`: the smallest of
/// `before` (days, in any order) that covers what is left. `None` where none does, or it has expired.
pub fn expiry_due(expires_at: DateTime<Utc>, before: &[u32], now: DateTime<Utc>) -> Option<u32> {
    let left = expires_at - now;
    if left <= TimeDelta::zero() {
        return None;
    }
    before.iter().copied().filter(|days| left <= TimeDelta::days(i64::from(*days))).min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAGES: [MailStage; 6] = [
        MailStage::First,
        MailStage::Reminder(2),
        MailStage::Resolved,
        MailStage::Expiring(7),
        MailStage::Link,
        MailStage::Again,
    ];

    fn facts() -> impl Strategy<Value = Standings> {
        (any::<[bool; 10]>(), 0..4_u32, 0..4_u32).prop_map(|(flags, hour, own)| {
            let [live, held, bad_weather, asks, paused, told, telling, gone, in_hours, first_waits] =
                flags;
            Standings {
                live,
                held,
                bad_weather,
                asks,
                paused,
                told,
                telling,
                gone,
                in_hours,
                first_waits,
                hour: (hour, 2),
                own_hour: (own, 2),
            }
        })
    }

    proptest! {
        #[test]
        fn nothing_goes_to_a_customer_before_somebody_went_live_or_while_mail_is_held(
            facts in facts(), stage in 0..STAGES.len(),
        ) {
            if !facts.live || facts.held {
                prop_assert_ne!(may_go(STAGES[stage], &facts), Go::Now);
            }
        }

        #[test]
        fn nobody_is_asked_for_anything_while_the_provider_is_in_trouble(
            facts in facts(), stage in 0..STAGES.len(),
        ) {
            let stage = STAGES[stage];
            let asks = matches!(stage, MailStage::First | MailStage::Reminder(_) | MailStage::Again);
            if facts.bad_weather && asks {
                prop_assert_ne!(may_go(stage, &facts), Go::Now);
            }
        }

        #[test]
        fn nobody_is_asked_for_what_is_not_wanted_any_more(facts in facts(), number in 1..9_u32) {
            for stage in [MailStage::First, MailStage::Reminder(number), MailStage::Again] {
                if !facts.asks {
                    prop_assert!(matches!(may_go(stage, &facts), Go::Never(_)));
                }
            }
        }

        #[test]
        fn nobody_hears_that_all_is_well_who_never_heard_that_it_was_not(facts in facts()) {
            let go = may_go(MailStage::Resolved, &facts);
            if !facts.told && !facts.telling {
                prop_assert!(matches!(go, Go::Never(_)));
            } else if !facts.told {
                prop_assert_ne!(go, Go::Now);
            }
        }

        #[test]
        fn no_cap_is_passed_whatever_it_is(facts in facts(), stage in 0..STAGES.len()) {
            if facts.hour.0 >= facts.hour.1 || facts.own_hour.0 >= facts.own_hour.1 {
                prop_assert_ne!(may_go(STAGES[stage], &facts), Go::Now);
            }
        }

        #[test]
        fn a_reminder_is_never_the_same_twice_and_never_early(
            sent in 0..6_u32, seconds in 0..3_000_000_i64,
        ) {
            let after = [1, 3, 7, 14].map(TimeDelta::days);
            let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
            if let Some(number) = reminder_due(DateTime::UNIX_EPOCH, sent, &after, now) {
                prop_assert!(number > sent);
                let span = after[usize::try_from(number).unwrap() - 1];
                prop_assert!(now - DateTime::UNIX_EPOCH >= span);
            }
        }
    }

    #[test]
    fn who_could_not_be_reminded_for_a_week_is_reminded_once() {
        let after = [1, 3, 7, 14].map(TimeDelta::days);
        let day = |days| DateTime::UNIX_EPOCH + TimeDelta::days(days);
        let due = |sent, days| reminder_due(DateTime::UNIX_EPOCH, sent, &after, day(days));
        assert_eq!((due(0, 0), due(0, 1), due(1, 2)), (None, Some(1), None));
        assert_eq!((due(0, 8), due(3, 8)), (Some(3), None));
        assert_eq!((due(3, 14), due(4, 400)), (Some(4), None));
    }

    #[test]
    fn a_key_that_has_five_days_left_is_announced_as_one_with_a_week() {
        let at = |days| DateTime::UNIX_EPOCH + TimeDelta::days(days);
        let due = |left| expiry_due(at(left), &[30, 7, 1], at(0));
        assert_eq!((due(31), due(30), due(8)), (None, Some(30), Some(30)));
        assert_eq!((due(5), due(1), due(0), due(-1)), (Some(7), Some(1), None, None));
    }

    #[test]
    fn a_stage_reads_back_from_its_word() {
        for stage in STAGES {
            assert_eq!(MailStage::parse(&stage.word()), Some(stage));
        }
        for wrong in ["", "reminder", "reminder-", "reminder-x", "expiring-", "firsts"] {
            assert_eq!(MailStage::parse(wrong), None, "{wrong}");
        }
    }
}
