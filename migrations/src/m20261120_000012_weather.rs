//! The weather: what is believed of the provider for each class of failure, who serves as a sample of
//! those that are held, and the control. A message may be about no tenant from now on.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Tenant {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum Weather {
    Table,
    Class,
    State,
    Version,
    Since,
    ConfirmedAt,
    Failing,
    Asked,
    QuietSince,
    JudgedFrom,
    DeclaredBy,
    Reason,
    Until,
    PageAt,
    Incident,
    ReleasePerHour,
    ReleasedAt,
}

#[derive(DeriveIden)]
enum WeatherSample {
    Table,
    Class,
    TenantId,
    Part,
    ChosenAt,
    NextAt,
}

#[derive(DeriveIden)]
enum Canary {
    Table,
    Id,
    Finding,
    AskedAt,
    FailingSince,
    Lease,
    LeaseUntil,
}

fn number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

fn maybe(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().null().take()
}

fn text(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).text().not_null().take()
}

fn maybe_text(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).text().null().take()
}

/// One row for each class.
fn weather() -> TableCreateStatement {
    Table::create()
        .table(Weather::Table)
        .col(text(Weather::Class).primary_key())
        .col(text(Weather::State))
        .col(number(Weather::Version))
        .col(number(Weather::Since))
        .col(maybe(Weather::ConfirmedAt))
        .col(maybe(Weather::Failing))
        .col(maybe(Weather::Asked))
        .col(maybe(Weather::QuietSince))
        .col(maybe(Weather::JudgedFrom))
        .col(maybe_text(Weather::DeclaredBy))
        .col(maybe_text(Weather::Reason))
        .col(maybe(Weather::Until))
        .col(maybe(Weather::PageAt))
        .col(maybe_text(Weather::Incident))
        .col(maybe(Weather::ReleasePerHour))
        .col(maybe(Weather::ReleasedAt))
        .take()
}

/// Tenants with a part of their own while many are held: sentinels, and those that were released.
fn sample() -> TableCreateStatement {
    Table::create()
        .table(WeatherSample::Table)
        .col(text(WeatherSample::Class))
        .col(number(WeatherSample::TenantId))
        .col(text(WeatherSample::Part))
        .col(number(WeatherSample::ChosenAt))
        .col(number(WeatherSample::NextAt))
        .primary_key(Index::create().col(WeatherSample::Class).col(WeatherSample::TenantId))
        .foreign_key(
            ForeignKey::create()
                .from(WeatherSample::Table, WeatherSample::TenantId)
                .to(Tenant::Table, Tenant::Id)
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

/// One row: what the control was last found to be, and who asks it.
fn canary() -> TableCreateStatement {
    Table::create()
        .table(Canary::Table)
        .col(number(Canary::Id).primary_key())
        .col(maybe_text(Canary::Finding))
        .col(maybe(Canary::AskedAt))
        .col(maybe(Canary::FailingSince))
        .col(maybe_text(Canary::Lease))
        .col(maybe(Canary::LeaseUntil))
        .take()
}

/// The messages and their deliveries, made anew on a database that cannot alter a column: filled from
/// the old ones, then named like them. The old deliveries go first, because they would go with the old
/// messages, and the new ones are written after.
fn remade(tenant: &str, only: &str) -> Vec<String> {
    let message = "id, tenant_id, episode, audience, stage, state, dedup_key, body, owed_at, \
                   acknowledged_at";
    let delivery = "message_id, channel, state, due_at, lease, lease_until, attempts, fate, \
                    settled_at";
    vec![
        "CREATE TABLE delivery_kept AS SELECT * FROM delivery".to_owned(),
        "DROP TABLE delivery".to_owned(),
        format!(
            "CREATE TABLE message_new (id text NOT NULL PRIMARY KEY, tenant_id bigint {tenant}, \
             episode bigint NULL, audience text NOT NULL, stage text NOT NULL, \
             state text NOT NULL, dedup_key text NOT NULL UNIQUE, body text NOT NULL, \
             owed_at bigint NOT NULL, acknowledged_at bigint NULL, \
             FOREIGN KEY (tenant_id) REFERENCES tenant (id) ON DELETE CASCADE)"
        ),
        format!("INSERT INTO message_new ({message}) SELECT {message} FROM message {only}"),
        "DROP TABLE message".to_owned(),
        "ALTER TABLE message_new RENAME TO message".to_owned(),
        "CREATE TABLE delivery (message_id text NOT NULL, channel text NOT NULL, \
         state text NOT NULL, due_at bigint NOT NULL, lease text NULL, lease_until bigint NULL, \
         attempts bigint NOT NULL, fate text NULL, settled_at bigint NULL, \
         PRIMARY KEY (message_id, channel), \
         FOREIGN KEY (message_id) REFERENCES message (id) ON DELETE CASCADE)"
            .to_owned(),
        format!(
            "INSERT INTO delivery ({delivery}) SELECT {delivery} FROM delivery_kept \
             WHERE message_id IN (SELECT id FROM message)"
        ),
        "DROP TABLE delivery_kept".to_owned(),
        "CREATE INDEX delivery_waiting ON delivery (channel, due_at) \
         WHERE state IN ('owed', 'sending')"
            .to_owned(),
        "CREATE INDEX delivery_open ON delivery (state) \
         WHERE state IN ('owed', 'sending', 'dead', 'unknown')"
            .to_owned(),
        "CREATE INDEX message_tenant_id_episode ON message (tenant_id, episode)".to_owned(),
        "CREATE INDEX message_audience_stage ON message (audience, stage, state)".to_owned(),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [weather(), sample(), canary()] {
            manager.create_table(table).await?;
        }
        let connection = manager.get_connection();
        for class in ["refused", "silent"] {
            let sql = format!(
                "INSERT INTO weather (class, state, version, since) \
                 VALUES ('{class}', 'unknown', 0, 0)"
            );
            connection.execute_unprepared(&sql).await?;
        }
        let statements = if manager.get_database_backend() == DbBackend::Sqlite {
            remade("NULL", "")
        } else {
            vec!["ALTER TABLE message ALTER COLUMN tenant_id DROP NOT NULL".to_owned()]
        };
        for sql in statements {
            connection.execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let statements = if manager.get_database_backend() == DbBackend::Sqlite {
            remade("NOT NULL", "WHERE tenant_id IS NOT NULL")
        } else {
            vec![
                "DELETE FROM message WHERE tenant_id IS NULL".to_owned(),
                "ALTER TABLE message ALTER COLUMN tenant_id SET NOT NULL".to_owned(),
            ]
        };
        for sql in statements {
            connection.execute_unprepared(&sql).await?;
        }
        let tables = [
            Canary::Table.into_iden(),
            WeatherSample::Table.into_iden(),
            Weather::Table.into_iden(),
        ];
        for table in tables {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
