//! How an episode ends: what stops with it, and who hears the good news.

use super::decide::Rules;
use super::episode::{Audience, Effect, Outcome, Stage};
use super::state::{DisabledCause, Status};

impl Rules<'_> {
    /// Closes the open episode. Good news is owed to those who had been told the bad.
    pub(super) fn close(&mut self, outcome: Outcome) {
        self.effects.push(Effect::RevokeLinks);
        self.effects.push(Effect::CancelUnsent);
        let told = told_of(&self.next.status, self.next.accepted_at.is_some());
        for audience in told.iter().filter(|audience| outcome.resolves(**audience)) {
            self.effects.push(Effect::owe(*audience, Stage::Resolved));
        }
        self.effects.push(Effect::CloseEpisode { number: self.next.episodes, outcome });
    }
}

/// Who was told of the episode of this state, or of the one behind a pause. Whose key was never
/// accepted was no customer's concern yet.
fn told_of(status: &Status, ever_accepted: bool) -> &'static [Audience] {
    match status {
        Status::NeedsReconnection { .. } if !ever_accepted => &[Audience::Operator],
        Status::NeedsReconnection { .. } | Status::Disabled(DisabledCause::Compromised) => {
            &[Audience::Customer, Audience::OnCall]
        }
        Status::Paused { frozen, .. } => told_of(&frozen.status, ever_accepted),
        Status::Pending { .. }
        | Status::Healthy { .. }
        | Status::Degraded(_)
        | Status::Disabled(DisabledCause::Declined) => &[],
    }
}
