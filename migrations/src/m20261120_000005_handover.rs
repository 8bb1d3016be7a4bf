//! Copies of keys that are owed to the integration, and the public key that they are sealed to.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Tenant {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum Recipient {
    Table,
    PublicKey,
    Name,
    AddedAt,
}

#[derive(DeriveIden)]
enum Handover {
    Table,
    TenantId,
    Generation,
    Recipient,
    Sealed,
    OwedAt,
    FetchedAt,
    AcknowledgedAt,
}

fn number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

fn recipient() -> TableCreateStatement {
    Table::create()
        .table(Recipient::Table)
        .col(ColumnDef::new(Recipient::PublicKey).text().not_null().primary_key())
        .col(ColumnDef::new(Recipient::Name).text().not_null())
        .col(number(Recipient::AddedAt))
        .take()
}

/// One row a tenant: of its latest key that was owed. Without a recipient there is nothing sealed;
/// once it is acknowledged there is nothing sealed any more.
fn handover() -> TableCreateStatement {
    Table::create()
        .table(Handover::Table)
        .col(number(Handover::TenantId).primary_key())
        .col(number(Handover::Generation))
        .col(ColumnDef::new(Handover::Recipient).text().null())
        .col(ColumnDef::new(Handover::Sealed).blob().null())
        .col(number(Handover::OwedAt))
        .col(ColumnDef::new(Handover::FetchedAt).big_integer().null())
        .col(ColumnDef::new(Handover::AcknowledgedAt).big_integer().null())
        .foreign_key(
            ForeignKey::create()
                .from(Handover::Table, Handover::TenantId)
                .to(Tenant::Table, Tenant::Id)
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [recipient(), handover()] {
            manager.create_table(table).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [Handover::Table.into_iden(), Recipient::Table.into_iden()] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
