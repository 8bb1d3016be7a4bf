//! Finding tenants by what people know of them, in a fleet of any size.

use keypulse::store::{Care, Contact, Mode};

use crate::mailing::dead;
use crate::rig::{Rig, now, on_both, tenant};

async fn add(rig: &Rig, n: u32, name: &str, address: Option<&str>) {
    let mut new = tenant(n);
    name.clone_into(&mut new.name);
    let contact = address.map(|address| Contact { address: address.into(), role: "owner".into() });
    let care = Care { contact, ..Care::default() };
    rig.store.add_tenant_with(&new, &care, now(), now()).await.unwrap();
}

async fn found(rig: &Rig, text: &str) -> Vec<String> {
    let found = rig.store.search_tenants(text, 10).await.unwrap();
    assert!(!found.more);
    found.tenants.into_iter().map(|one| one.reference).collect()
}

#[tokio::test]
async fn a_tenant_is_found_by_whatever_people_know_of_it_in_any_size_of_letters() {
    on_both(async |rig| {
        rig.keyring().await;
        add(rig, 1, "Bageri Jensen", Some("Post@Jensen.Example")).await;
        add(rig, 2, "Østerbro Øl", None).await;
        add(rig, 3, "100% Acme_Ltd", None).await;
        for (text, whose) in [
            ("t-0001", 1),
            ("T-0001", 1),
            ("company-2", 2),
            ("Bageri", 1),
            ("bageri j", 1),
            ("JENSEN", 1),
            ("post@jensen.example", 1),
            ("@JENSEN.example", 1),
            ("øster", 2),
            ("ØL", 2),
            ("100%", 3),
            ("e_l", 3),
            ("  acme ", 3),
        ] {
            assert_eq!(found(rig, text).await, [format!("t-000{whose}")], "{text}");
        }
        assert_eq!(found(rig, "company-").await.len(), 3);
        // Whoever is meant exactly is the only one, though others begin so.
        add(rig, 10, "company-1 of somebody", None).await;
        assert_eq!(found(rig, "company-1").await, ["t-0001"]);
        assert_eq!(found(rig, "company-1 ").await, ["t-0001"]);
        for nobody in
            ["", "  ", "x_l", "%", "' OR 1=1 --", "t-0001\0", "nobody", &"a".repeat(9_000)]
        {
            let most = usize::from(nobody == "%");
            assert_eq!(found(rig, nobody).await.len(), most, "{nobody}");
        }
    })
    .await;
}

#[tokio::test]
async fn more_than_a_page_is_said_to_be_more() {
    on_both(async |rig| {
        rig.add(12).await;
        let page = rig.store.search_tenants("t-", 10).await.unwrap();
        assert_eq!((page.tenants.len(), page.more), (10, true));
        let all = rig.store.search_tenants("t-", 12).await.unwrap();
        assert_eq!((all.tenants.len(), all.more), (12, false));
        // In the middle as well.
        let page = rig.store.search_tenants("ompany 1", 2).await.unwrap();
        assert_eq!((page.tenants.len(), page.more), (2, true));
    })
    .await;
}

#[tokio::test]
async fn the_reference_that_a_customer_reads_out_of_a_mail_leads_to_the_tenant() {
    on_both(async |rig| {
        let ids = dead(rig, 2).await;
        rig.store.set_mode(Mode::Live, now()).await.unwrap();
        for id in ids {
            let told = rig.store.told_of(id, 100).await.unwrap();
            let mail = told.iter().find(|one| one.audience == "customer").unwrap();
            let tenant = rig.store.tenant_by_id(id).await.unwrap().unwrap();
            for read in [mail.id[..8].to_owned(), mail.id.to_uppercase()] {
                assert_eq!(found(rig, &read).await, [tenant.reference.as_str()], "{read}");
            }
            // Too short to be one.
            assert!(found(rig, &mail.id[..7]).await.is_empty());
        }
    })
    .await;
}

/// What the database would do, as it tells.
async fn plan(rig: &Rig, sql: &str) -> String {
    let (explain, column) =
        if rig.is_sqlite() { ("EXPLAIN QUERY PLAN", "detail") } else { ("EXPLAIN", "QUERY PLAN") };
    let rows = rig.query(&format!("{explain} {sql}")).await;
    rows.iter().map(|row| row.try_get::<String>("", column).unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_begins_a_name_and_who_is_in_need_is_found_by_an_index_in_a_large_fleet() {
    on_both(async |rig| {
        rig.add(1).await;
        crowd(rig, 20_000).await;
        let small = |column: &str| {
            if rig.is_sqlite() {
                format!("lower({column})")
            } else {
                format!("lower({column} COLLATE \"C\")")
            }
        };
        let among = |table: &str, column: &str| {
            let small = small(column);
            format!("SELECT 1 FROM {table} WHERE {small} >= 'ab' AND {small} < 'ac' LIMIT 10")
        };
        for (sql, index) in [
            (among("tenant", "ref"), "tenant_ref_small"),
            (among("tenant", "name"), "tenant_name_small"),
            (among("tenant", "company_id"), "tenant_company_small"),
            (among("contact", "address"), "contact_address_small"),
        ] {
            let plan = plan(rig, &sql).await;
            assert!(plan.contains(index), "{sql}\n{plan}");
        }
        // By whichever index of those who are few.
        let sql = "SELECT tenant_id FROM tenant_state WHERE status = 'needs_reconnection' \
                   AND paused_at IS NULL ORDER BY since LIMIT 10";
        let plan = plan(rig, sql).await;
        assert!(!plan.contains("Seq Scan") && !plan.starts_with("SCAN"), "{plan}");
        if rig.is_sqlite() {
            let sql = "SELECT status, cause, COUNT(*) AS tenants, COUNT(paused_at) AS paused \
                       FROM tenant_state GROUP BY 1, 2 ORDER BY 1, 2";
            let plan = self::plan(rig, sql).await;
            assert!(plan.contains("COVERING INDEX tenant_state_counted"), "{plan}");
        }
    })
    .await;
}

/// So many more tenants, each with a contact, behind the store's back.
pub async fn crowd(rig: &Rig, tenants: u32) {
    let numbers = if rig.is_sqlite() {
        format!(
            "(WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {tenants}) \
             SELECT n FROM n)"
        )
    } else {
        format!("generate_series(1, {tenants})")
    };
    let text = |what: &str| format!("'{what}' || n");
    // Like the one that is there, but for what must differ.
    for (table, changed) in [
        (
            "tenant",
            vec![
                ("id", "n".to_owned()),
                ("ref", text("erp-")),
                ("name", text("Firm ")),
                ("company_id", text("firm-")),
            ],
        ),
        ("tenant_state", vec![("tenant_id", "n".to_owned())]),
    ] {
        let columns = columns(rig, table).await;
        let taken: Vec<_> = columns
            .iter()
            .map(|column| {
                let new = changed.iter().find(|(name, _)| name == column);
                new.map_or_else(|| format!("o.\"{column}\""), |(_, sql)| sql.clone())
            })
            .collect();
        let list = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "INSERT INTO {table} ({list}) SELECT {} FROM {numbers} AS numbers(n), \
             (SELECT * FROM {table} LIMIT 1) AS o",
            taken.join(", ")
        );
        let sql = if rig.is_sqlite() { sql.replace("AS numbers(n)", "AS numbers") } else { sql };
        rig.execute(&sql, vec![]).await;
    }
    let sql = format!(
        "INSERT INTO contact (tenant_id, ordinal, address, role) \
         SELECT id, 1, 'post@' || ref || '.example', 'owner' FROM tenant WHERE id <= {tenants}"
    );
    rig.execute(&sql, vec![]).await;
    rig.execute("ANALYZE", vec![]).await;
}

async fn columns(rig: &Rig, table: &str) -> Vec<String> {
    let sql = if rig.is_sqlite() {
        format!("SELECT name FROM pragma_table_info('{table}')")
    } else {
        format!(
            "SELECT column_name::text AS name FROM information_schema.columns WHERE table_name = '{table}'"
        )
    };
    let rows = rig.query(&sql).await;
    rows.iter().map(|row| row.try_get("", "name").unwrap()).collect()
}
