//! Every belief, there and back.

use proptest::option;
use proptest::prelude::*;

use super::*;

fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..4_000_000_000_000_000).prop_map(|micros| time(micros).unwrap())
}

fn any_permission() -> impl Strategy<Value = Permission> {
    prop_oneof![
        Just(Permission::Company),
        Just(Permission::Scopes(Scopes::parse("a:read b:write"))),
    ]
}

fn any_company() -> impl Strategy<Value = CompanyId> {
    "[a-z0-9]{1,12}".prop_map(|text| CompanyId::parse(&text).unwrap())
}

fn any_failure() -> impl Strategy<Value = Failure> {
    prop_oneof![
        Just(Failure::Rejected),
        Just(Failure::Disconnected),
        any_permission().prop_map(Failure::PermissionLost),
        any_company().prop_map(Failure::WrongCompany),
    ]
}

fn any_run() -> impl Strategy<Value = Run> {
    let weather = prop_oneof![Just(Weather::Clear), Just(Weather::Unknown)];
    (weather, 1_u32.., any_time()).prop_map(|(weather, count, first)| Run {
        weather,
        count: NonZeroU32::new(count).unwrap(),
        first,
    })
}

fn any_doubt() -> impl Strategy<Value = Doubt> {
    let run = option::of(any_run());
    (any_failure(), 1_u32.., any_time(), any_time(), run).prop_map(
        |(failure, count, first, last, run)| Doubt {
            failure,
            count: NonZeroU32::new(count).unwrap(),
            first,
            last,
            run,
        },
    )
}

fn any_cause() -> impl Strategy<Value = ReconnectCause> {
    prop_oneof![
        Just(ReconnectCause::Rejected),
        Just(ReconnectCause::Expired),
        Just(ReconnectCause::NeverAccepted),
        Just(ReconnectCause::Disconnected),
        any_permission().prop_map(ReconnectCause::PermissionLost),
        any_company().prop_map(ReconnectCause::WrongCompany),
    ]
}

fn any_watched_status() -> impl Strategy<Value = Status> {
    prop_oneof![
        option::of(any_doubt()).prop_map(|doubt| Status::Pending { doubt }),
        option::of(any_doubt()).prop_map(|doubt| Status::Healthy { doubt }),
        (any_doubt(), option::of(any_time()))
            .prop_map(|(doubt, returning)| { Status::Degraded(Trouble::Key { doubt, returning }) }),
        option::of(any_doubt()).prop_map(|doubt| Status::Degraded(Trouble::Unreachable { doubt })),
        Just(Status::Degraded(Trouble::OutOfStep)),
        (any_cause(), any_doubt(), option::of(any_time())).prop_map(|(cause, doubt, returning)| {
            Status::NeedsReconnection { cause, doubt, returning }
        }),
    ]
}

fn any_status() -> impl Strategy<Value = Status> {
    prop_oneof![
        4 => any_watched_status(),
        1 => Just(Status::Disabled(DisabledCause::Compromised)),
        1 => Just(Status::Disabled(DisabledCause::Declined)),
        1 => (option::of(any_time()), any_watched_status(), any_time()).prop_map(
            |(until, status, since)| {
                Status::Paused { until, frozen: Box::new(Frozen { status, since }) }
            }
        ),
    ]
}

proptest! {
    #[test]
    fn every_belief_survives_the_store(
        status in any_status(),
        times in (any_time(), option::of(any_time()), option::of(any_time())),
        generation in 1_u32..,
        episodes in any::<u32>(),
    ) {
        let (since, accepted_at, silent_since) = times;
        let health = Health {
            status,
            since,
            generation: Generation(generation),
            expires_at: accepted_at,
            accepted_at,
            silent_since,
            recovered_at: silent_since,
            destroyed_at: accepted_at,
            episodes,
        };
        let row = StateRow::from_health(TenantId::from_raw(7), 3, &health, Due::Never);
        prop_assert_eq!(row.health().unwrap(), health);
    }
}

#[test]
fn the_columns_are_those_of_the_row() {
    let health = Health::pending(DateTime::UNIX_EPOCH, None);
    let row = StateRow::from_health(TenantId::from_raw(7), 1, &health, Due::Never);
    let json = serde_json::to_value(row).unwrap();
    let fields: std::collections::BTreeSet<_> = json.as_object().unwrap().keys().cloned().collect();
    let columns = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(fields, columns);
}

#[test]
fn a_row_that_cannot_be_understood_is_named_without_its_values() {
    let health = Health::pending(DateTime::UNIX_EPOCH, None);
    let mut row = StateRow::from_health(TenantId::from_raw(7), 1, &health, Due::Never);
    row.status = "splendid".to_owned();
    let error = row.health().unwrap_err().to_string();
    assert_eq!(error, "the row of tenant 0000000000000007 in tenant_state cannot be read: status");
}
