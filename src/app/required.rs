//! Sees to what the API asks about required scopes.

use crate::health::Scopes;
use crate::http::api::Caller;
use crate::http::api::desk::{Desk, DeskError, Share as Asked};
use crate::http::api::scopes::{Applied, Difference, Group, Impact};
use crate::store::TenantFilter;
use crate::task::Requirement;
use crate::task::Share;
use crate::task::scopes;

use super::desk::Counter;

/// How tenants stand to what is required of new keys.
pub async fn difference(
    counter: &Counter,
    caller: &Caller,
    filter: TenantFilter,
) -> Result<Difference, DeskError> {
    let (store, required) = (counter.store(caller), &counter.required);
    let found = Requirement { store: &store, required, filter: &filter }.difference().await?;
    Ok(Difference {
        required: list(required),
        held: found.held,
        without_key: found.keyless,
        groups: found.groups.into_iter().map(group).collect(),
    })
}

/// Holds tenants to it, where they are as many as expected; else says how many they are.
pub async fn apply(
    counter: &Counter,
    caller: &Caller,
    filter: TenantFilter,
    share: Asked,
    expected: Option<u64>,
) -> Result<Result<Applied, u64>, DeskError> {
    let (store, required) = (counter.store(caller), &counter.required);
    let requirement = Requirement { store: &store, required, filter: &filter };
    let plan = requirement
        .plan(match share {
            Asked::All => Share::All,
            Asked::Percent(percent) => Share::Percent(percent),
            Asked::Tenants(tenants) => Share::Tenants(tenants),
        })
        .await?;
    if expected != Some(plan.impact.tenants) {
        return Ok(Err(plan.impact.tenants));
    }
    let stopped = || counter.shutdown.has_begun();
    let applied = requirement.apply(&plan, stopped, |_, _| {}).await?;
    Ok(Ok(Applied {
        required: list(required),
        tenants_with_a_key: plan.whole,
        share: plan.share,
        held_already: plan.held,
        being_confirmed: plan.later,
        touched: impact(plan.impact),
        changed: applied.changed,
        left: applied.left,
        interrupted: applied.interrupted,
    }))
}

fn group(group: scopes::Group) -> Group {
    Group {
        held_to: list(&group.held_to),
        adds: list(&group.adds),
        drops: list(&group.drops),
        being_confirmed: group.impact.confirming,
        impact: impact(group.impact),
    }
}

fn impact(impact: scopes::Impact) -> Impact {
    let scopes::Impact { tenants, suffice, lack, lacking, not_known, confirming: _ } = impact;
    Impact { tenants, suffice, lack, lacking, not_known }
}

fn list(scopes: &Scopes) -> Vec<String> {
    scopes.iter().map(str::to_owned).collect()
}
