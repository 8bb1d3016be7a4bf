//! Keys that are not to be used any more: what is never accepted again, what every process must
//! stop using at once, and what nobody has confirmed to be deleted at the provider.
//!
//! Nothing here hangs on a tenant's row: it outlives the tenant.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum WithdrawnKey {
    Table,
    Fingerprint,
    TenantId,
    Generation,
    WithdrawnAt,
    Reason,
}

#[derive(DeriveIden)]
enum Revocation {
    Table,
    Seq,
    TenantId,
    Generation,
    RevokedAt,
}

#[derive(DeriveIden)]
enum Deletion {
    Table,
    TenantId,
    Generation,
    WantedAt,
    ConfirmedAt,
}

fn number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

/// A keyed fingerprint and nothing else of the key.
fn withdrawn_key() -> TableCreateStatement {
    Table::create()
        .table(WithdrawnKey::Table)
        .col(ColumnDef::new(WithdrawnKey::Fingerprint).blob().not_null().primary_key())
        .col(number(WithdrawnKey::TenantId))
        .col(number(WithdrawnKey::Generation))
        .col(number(WithdrawnKey::WithdrawnAt))
        .col(ColumnDef::new(WithdrawnKey::Reason).text().null())
        .take()
}

fn revocation() -> TableCreateStatement {
    Table::create()
        .table(Revocation::Table)
        .col(number(Revocation::Seq).auto_increment().primary_key())
        .col(number(Revocation::TenantId))
        .col(number(Revocation::Generation))
        .col(number(Revocation::RevokedAt))
        .take()
}

/// Open until somebody confirms it.
fn deletion() -> TableCreateStatement {
    Table::create()
        .table(Deletion::Table)
        .col(number(Deletion::TenantId))
        .col(number(Deletion::Generation))
        .col(number(Deletion::WantedAt))
        .col(ColumnDef::new(Deletion::ConfirmedAt).big_integer().null())
        .primary_key(Index::create().col(Deletion::TenantId).col(Deletion::Generation))
        .take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [withdrawn_key(), revocation(), deletion()] {
            manager.create_table(table).await?;
        }
        manager
            .create_index(
                Index::create()
                    .name("revocation_revoked_at")
                    .table(Revocation::Table)
                    .col(Revocation::RevokedAt)
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            Deletion::Table.into_iden(),
            Revocation::Table.into_iden(),
            WithdrawnKey::Table.into_iden(),
        ];
        for table in tables {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
