//! Sees to a list of keys that the API was given.

use std::sync::Arc;

use crate::custody::BadLine;
use crate::http::api::Caller;
use crate::http::api::desk::{Desk, DeskError, Reconciled};
use crate::http::api::problem::RefusedLine;
use crate::http::api::reconcile::{Comparison, Examples};
use crate::task::BadLines;
use crate::task::Listing;
use crate::task::Reconciler;
use crate::task::reconcile::{Compared, Push, ReconcileError};

use super::desk::Counter;

/// Compares the list, as the command does.
pub async fn reconcile(
    counter: &Counter,
    caller: &Caller,
    list: &[u8],
    rehearse: bool,
    examples: usize,
) -> Result<Reconciled, DeskError> {
    let (store, settler) = (counter.store(caller), counter.settler(caller));
    let checker = &counter.checker;
    let by = Reconciler {
        store: &store,
        keyring: &checker.keyring,
        settler: &settler,
        provider: &checker.profile.name,
        clock: Arc::clone(&checker.clock),
    };
    match compared(&by, list, rehearse, examples).await {
        Ok(reconciled) => Ok(reconciled),
        Err(ReconcileError::Overtaken) => Ok(Reconciled::Overtaken),
        Err(ReconcileError::Store(error)) => Err(DeskError::Store(error)),
    }
}

async fn compared(
    by: &Reconciler<'_>,
    list: &[u8],
    rehearse: bool,
    examples: usize,
) -> Result<Reconciled, ReconcileError> {
    let push = by.begin().await?;
    let (keys, bad) = match read(&push, list).await {
        Ok(read) => read,
        Err(error) => {
            push.drop().await?;
            return Err(error);
        }
    };
    if bad.lines > 0 || keys == 0 {
        push.drop().await?;
        return Ok(if bad.lines == 0 { Reconciled::Empty } else { refused(&bad) });
    }
    let compared =
        if rehearse { push.rehearse(examples).await? } else { push.finish(examples).await? };
    Ok(Reconciled::Compared(told(rehearse, keys, compared, examples)))
}

async fn read(push: &Push<'_>, list: &[u8]) -> Result<(u64, BadLines), ReconcileError> {
    let mut listing = Listing::to(push);
    for (number, line) in (1..).zip(list.split(|byte| *byte == b'\n')) {
        listing.line(number, Some(line)).await?;
    }
    listing.end().await
}

fn refused(bad: &BadLines) -> Reconciled {
    let line = |(line, why): &(u64, BadLine)| RefusedLine { line: *line, reason: why.to_string() };
    Reconciled::Refused(bad.lines, bad.named.iter().map(line).collect())
}

fn told(dry_run: bool, keys: u64, compared: Compared, most: usize) -> Comparison {
    let Compared { outcomes, examples, newly_out, in_step_again, younger, unopened } = compared;
    Comparison {
        dry_run,
        keys,
        same: outcomes.same,
        differs: outcomes.differs,
        only_here: outcomes.only_here,
        only_there: outcomes.only_there,
        examples: Examples {
            differs: examples.differs,
            only_here: examples.only_here,
            only_there: examples.only_there,
        },
        newly_out_of_step: newly_out,
        in_step_again,
        younger,
        unopened: unopened.into_iter().take(most).map(|(reference, _)| reference).collect(),
    }
}
