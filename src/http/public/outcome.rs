//! How a try by a link came out: written down with the link, so that whoever comes back, on another tab
//! or after an hour, reads the same. It holds nothing of the key.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How the latest try by a link came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "came_out", rename_all = "snake_case")]
pub enum Outcome {
    /// The key is live, or was before and works.
    Connected,
    /// The key was not taken.
    Refused {
        /// The stable word of the refusal.
        kind: String,
        /// The id of its text; that of the next step has `-next` behind it.
        text: String,
        /// What its texts are filled in with.
        values: BTreeMap<String, String>,
    },
    /// The key is good; whether it is meant for this company, a person has to say.
    ToConfirm {
        /// The company that the key belongs to.
        company: String,
        /// The name that people know it by.
        #[serde(default)]
        name: Option<String>,
        /// What people may see of the key.
        masked: String,
        /// When the key expires, as far as was said.
        #[serde(default)]
        expires_at: Option<DateTime<Utc>>,
    },
    /// A key waited for a yes, and was given up: nobody said it in time, or somebody said no.
    GivenUp {
        /// Whether somebody said no.
        by_person: bool,
    },
    /// The key that is there was tested again, and the same is missing as before.
    StillLacking,
    /// The key that is there was tested again, and works; it has to be seen once more.
    OnceMore,
    /// The provider could not be asked.
    NoAnswer {
        /// Whether what was pasted has to be pasted again.
        pasted: bool,
    },
    /// The customer no longer uses the product.
    Declined,
    /// Somebody asked for a new link. Whether one was sent is not told.
    Renewed,
    /// It failed for a reason of ours.
    Ours,
}

impl Outcome {
    /// As it is kept.
    pub fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it was kept; nothing where it cannot be read, as after a step back to an older version.
    pub fn read(written: &str) -> Option<Self> {
        serde_json::from_str(written).ok()
    }

    /// Whether it counts as a try in vain. What says nothing of the key does not.
    pub fn counts(&self) -> bool {
        match self {
            Self::Refused { kind, .. } => !PASSING.contains(&kind.as_str()),
            Self::StillLacking => true,
            Self::Connected
            | Self::ToConfirm { .. }
            | Self::GivenUp { .. }
            | Self::OnceMore
            | Self::NoAnswer { .. }
            | Self::Declined
            | Self::Renewed
            | Self::Ours => false,
        }
    }
}

/// Refusals after which the same key may be taken a little later.
const PASSING: [&str; 4] =
    ["provider-unreachable", "too-busy", "source-unreachable", "not-testable"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Refusal;

    fn refused(kind: &str) -> Outcome {
        let text = format!("refusal-{kind}");
        Outcome::Refused { kind: kind.to_owned(), text, values: BTreeMap::new() }
    }

    #[test]
    fn an_outcome_reads_back_as_it_was_written() {
        let values = [("company".to_owned(), "company-7".to_owned())].into();
        for outcome in [
            Outcome::Connected,
            Outcome::Refused {
                kind: "other-company".into(),
                text: "refusal-other-company".into(),
                values,
            },
            Outcome::ToConfirm {
                company: "company-7".into(),
                name: Some("Fjord A/S".into()),
                masked: "…cdef".into(),
                expires_at: None,
            },
            Outcome::GivenUp { by_person: true },
            Outcome::NoAnswer { pasted: true },
        ] {
            assert_eq!(Outcome::read(&outcome.written()), Some(outcome));
        }
        assert_eq!(Outcome::read("{\"came_out\":\"flew\"}"), None);
    }

    #[test]
    fn a_try_that_says_nothing_of_the_key_does_not_count_and_names_a_refusal_that_there_is() {
        for kind in PASSING {
            assert!(Refusal::NAMES.contains(&kind), "{kind}");
            let outcome = refused(kind);
            assert!(!outcome.counts());
        }
        let wrong = refused("key-rejected");
        assert!(wrong.counts());
    }
}
