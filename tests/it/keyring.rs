//! The keyring in the store.

use keypulse::store::KeyringRow;

use crate::rig::on_both;

fn rows(mark: u8) -> Vec<KeyringRow> {
    ["seal", "check"]
        .iter()
        .zip(1_u32..)
        .map(|(role, id)| KeyringRow {
            role: (*role).to_owned(),
            id,
            wrapped: vec![mark; 60],
            created_at: 1_700_000_000_000_000,
            retired_at: None,
        })
        .collect()
}

#[tokio::test]
async fn of_processes_that_begin_together_one_keyring_holds_for_all() {
    on_both(async |rig| {
        let mut tasks = tokio::task::JoinSet::new();
        for mark in 0..6 {
            let store = rig.another().await;
            tasks.spawn(async move { store.init_keyring(&rows(mark)).await.unwrap() });
        }
        let kept = rig.store.init_keyring(&rows(9)).await.unwrap();
        for one in tasks.join_all().await {
            assert_eq!(one, kept);
        }
        assert_eq!(rig.store.keyring().await.unwrap(), kept);
    })
    .await;
}
