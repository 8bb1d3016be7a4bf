//! Taking in many tenants at once, their contacts and labels, and looking for some of them.

use keypulse::ids::TenantRef;
use keypulse::store::{Care, Contact, Entry, Fate, LabelFilter, TenantFilter};

use crate::rig::{Rig, minute, now, on_both, tenant};

fn entry(n: u32) -> Entry {
    let care = Care::default();
    Entry { new: tenant(n), due: minute(i64::from(n)), named: true, kind_given: true, care }
}

fn cared_for(n: u32) -> Entry {
    let mut entry = entry(n);
    entry.care = Care {
        contact: Some(Contact { address: "anna@firm.example".into(), role: "main".into() }),
        locale: Some("da-DK".into()),
        time_zone: Some("Europe/Copenhagen".into()),
        labels: [("tier".into(), "gold".into()), ("beta".into(), String::new())].into(),
    };
    entry
}

async fn take_in(rig: &Rig, entries: &[Entry]) -> Vec<Fate> {
    rig.store.take_in(entries, now(), false).await.unwrap()
}

async fn listed(rig: &Rig, filter: TenantFilter) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = rig.store.tenants_like(&filter, &after, 2).await.unwrap();
        let Some(last) = page.last() else { return found };
        after.clone_from(&last.reference);
        found.extend(page.into_iter().map(|view| view.reference));
    }
}

#[tokio::test]
async fn the_same_entries_twice_change_nothing_the_second_time() {
    on_both(async |rig| {
        rig.keyring().await;
        let entries = [cared_for(2), cared_for(1), entry(0)];
        assert_eq!(take_in(rig, &entries).await, [Fate::Added; 3]);
        assert_eq!(take_in(rig, &entries).await, [Fate::Unchanged; 3]);
        let view = rig.store.tenant("t-0002").await.unwrap().unwrap();
        assert_eq!(view.id, entries[0].new.id);
        assert_eq!(view.due_at, Some(minute(2)));
        assert_eq!(rig.store.care(view.id).await.unwrap(), entries[0].care);
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant").await, 3);
        assert_eq!(rig.number("SELECT COUNT(*) FROM message").await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_given_is_brought_up_to_date_and_what_is_not_stays() {
    on_both(async |rig| {
        rig.keyring().await;
        take_in(rig, &[cared_for(1)]).await;
        let mut second = entry(1);
        second.named = false;
        second.new.name = "never asked for".into();
        assert_eq!(take_in(rig, &[second.clone()]).await, [Fate::Unchanged]);
        second.care.labels = [("tier".into(), "silver".into())].into();
        assert_eq!(take_in(rig, &[second]).await, [Fate::Updated]);
        let view = rig.store.tenant("t-0001").await.unwrap().unwrap();
        assert_eq!(view.name, "Company 1");
        let care = rig.store.care(view.id).await.unwrap();
        assert_eq!(care.locale.as_deref(), Some("da-DK"));
        let labels: Vec<_> = care.labels.into_iter().collect();
        assert_eq!(labels, [("beta".into(), String::new()), ("tier".into(), "silver".into())]);
    })
    .await;
}

#[tokio::test]
async fn another_key_company_kind_or_date_is_refused_and_nothing_of_the_line_is_taken() {
    on_both(async |rig| {
        rig.keyring().await;
        take_in(rig, &[entry(1)]).await;
        let with = |change: &dyn Fn(&mut Entry)| {
            let mut entry = cared_for(1);
            change(&mut entry);
            entry
        };
        for (entry, fate) in [
            (with(&|one| one.new.fingerprint = b"other".into()), Fate::OtherKey),
            (with(&|one| one.new.company = tenant(2).company), Fate::OtherCompany),
            (with(&|one| one.new.kind = keypulse::store::KeyKind::Standalone), Fate::OtherKind),
            (with(&|one| one.new.health.expires_at = Some(minute(1))), Fate::OtherExpiry),
        ] {
            assert_eq!(take_in(rig, &[entry]).await, [fate]);
        }
        assert_eq!(rig.number("SELECT COUNT(*) FROM label").await, 0);
        assert_eq!(rig.number("SELECT COUNT(*) FROM contact").await, 0);
    })
    .await;
}

#[tokio::test]
async fn one_that_has_anothers_key_leaves_nothing_behind_and_hinders_no_other() {
    on_both(async |rig| {
        rig.keyring().await;
        take_in(rig, &[entry(0)]).await;
        let mut thief = cared_for(1);
        thief.new.fingerprint = tenant(0).fingerprint;
        let mut twin = cared_for(3);
        twin.new.fingerprint = tenant(2).fingerprint;
        let fates = take_in(rig, &[thief, cared_for(2), twin]).await;
        assert_eq!(fates, [Fate::KeyTaken, Fate::Added, Fate::KeyTaken]);
        for table in ["tenant", "tenant_key", "tenant_state"] {
            assert_eq!(rig.number(&format!("SELECT COUNT(*) FROM {table}")).await, 2, "{table}");
        }
        assert_eq!(rig.number("SELECT COUNT(*) FROM contact").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_rehearsal_says_the_same_and_keeps_nothing() {
    on_both(async |rig| {
        rig.keyring().await;
        let entries = [cared_for(0), cared_for(1)];
        let fates = rig.store.take_in(&entries, now(), true).await.unwrap();
        assert_eq!(fates, [Fate::Added; 2]);
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant").await, 0);
        assert_eq!(take_in(rig, &entries).await, fates);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_take_in_the_same_tenants_at_once_both_end_well() {
    on_both(async |rig| {
        rig.keyring().await;
        let other = rig.another().await;
        let entries: Vec<Entry> = (0..50).map(cared_for).collect();
        let mut again: Vec<Entry> = (0..50).map(cared_for).collect();
        again.reverse();
        let (one, two) = tokio::join!(
            rig.store.take_in(&entries, now(), false),
            other.take_in(&again, now(), false)
        );
        let (mut one, two) = (one.unwrap(), two.unwrap());
        one.extend(two);
        let added = one.iter().filter(|fate| **fate == Fate::Added).count();
        let unchanged = one.iter().filter(|fate| **fate == Fate::Unchanged).count();
        assert_eq!((added, unchanged), (50, 50));
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant_state").await, 50);
    })
    .await;
}

#[tokio::test]
async fn labels_are_set_and_removed_and_nobody_elses_are_touched() {
    on_both(async |rig| {
        rig.keyring().await;
        let entries = [cared_for(1), cared_for(2)];
        take_in(rig, &entries).await;
        let id = entries[0].new.id;
        let set = [("tier".to_owned(), "iron".to_owned())].into();
        assert!(rig.store.label(id, &set, &["beta".to_owned()]).await.unwrap());
        assert!(!rig.store.label(id, &set, &["beta".to_owned()]).await.unwrap());
        assert_eq!(rig.store.care(id).await.unwrap().labels, set);
        let other = rig.store.care(entries[1].new.id).await.unwrap();
        assert_eq!(other.labels, entries[1].care.labels);
    })
    .await;
}

#[tokio::test]
async fn a_list_holds_those_of_whom_everything_asked_is_true() {
    on_both(async |rig| {
        rig.keyring().await;
        let mut entries: Vec<Entry> = (0..5).map(entry).collect();
        for (n, name) in
            ["Ænima A/S", "50% Off", "under_score", "Company 3", "O'Neill"].into_iter().enumerate()
        {
            entries[n].new.name = name.into();
        }
        entries[0].care.labels = [("tier".into(), "gold".into())].into();
        entries[1].care.labels = [("tier".into(), String::new())].into();
        entries[4].new.reference = TenantRef::parse("ERP-9").unwrap();
        take_in(rig, &entries).await;
        rig.execute(
            "UPDATE tenant_state SET paused_at = 1 WHERE tenant_id = $1",
            vec![entries[1].new.id.raw().into()],
        )
        .await;
        rig.execute(
            "UPDATE tenant_state SET status = 'disabled', cause = 'declined' WHERE tenant_id = $1",
            vec![entries[2].new.id.raw().into()],
        )
        .await;
        let all = TenantFilter::default;
        let search = |text: &str| TenantFilter { search: Some(text.into()), ..all() };
        let status = |word: &str| TenantFilter { status: Some(word.into()), ..all() };
        let label = |value: Option<&str>| {
            let value = value.map(str::to_owned);
            TenantFilter { labels: vec![LabelFilter { name: "tier".into(), value }], ..all() }
        };
        for (filter, expected) in [
            (all(), vec!["ERP-9", "t-0000", "t-0001", "t-0002", "t-0003"]),
            (status("pending"), vec!["ERP-9", "t-0000", "t-0003"]),
            (status("paused"), vec!["t-0001"]),
            (TenantFilter { cause: Some("declined".into()), ..all() }, vec!["t-0002"]),
            (label(None), vec!["t-0000", "t-0001"]),
            (label(Some("gold")), vec!["t-0000"]),
            (label(Some("")), vec!["t-0001"]),
            (TenantFilter { status: Some("paused".into()), ..label(Some("gold")) }, vec![]),
            (search("erp"), vec!["ERP-9"]),
            (search("OMPANY"), vec!["t-0003"]),
            (search("Ænima a"), vec!["t-0000"]),
            (search("%"), vec!["t-0001"]),
            (search("_"), vec!["t-0002"]),
            (search("o'n"), vec!["ERP-9"]),
        ] {
            let mut found = listed(rig, filter.clone()).await;
            found.sort();
            assert_eq!(found, expected, "{filter:?}");
        }
    })
    .await;
}
