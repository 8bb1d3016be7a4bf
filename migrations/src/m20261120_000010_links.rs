//! Links that lead a customer to a page: what is kept of them is enough to know one again, not enough
//! to make one.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Tenant {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum Link {
    Table,
    Id,
    Hash,
    TenantId,
    Episode,
    Recipient,
    Seat,
    Wanted,
    WantedRef,
    CreatedAt,
    ExpiresAt,
    EndedAt,
    Ending,
    Tries,
    TryAfter,
    Outcome,
    OutcomeAt,
    Held,
    HeldUntil,
}

fn number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

fn optional_number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().null().take()
}

fn text(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).text().not_null().take()
}

fn optional_text(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).text().null().take()
}

/// Without a tenant it is an invitation: whoever has it may become one. The seat is the id that its
/// tenant will have; the key that waits for a yes is sealed for that.
fn link() -> TableCreateStatement {
    Table::create()
        .table(Link::Table)
        .col(text(Link::Id).primary_key())
        .col(ColumnDef::new(Link::Hash).blob().not_null())
        .col(optional_number(Link::TenantId))
        .col(optional_number(Link::Episode))
        .col(text(Link::Recipient))
        .col(number(Link::Seat))
        .col(optional_text(Link::Wanted))
        .col(optional_text(Link::WantedRef))
        .col(number(Link::CreatedAt))
        .col(number(Link::ExpiresAt))
        .col(optional_number(Link::EndedAt))
        .col(optional_text(Link::Ending))
        .col(number(Link::Tries).default(0))
        .col(optional_number(Link::TryAfter))
        .col(optional_text(Link::Outcome))
        .col(optional_number(Link::OutcomeAt))
        .col(ColumnDef::new(Link::Held).blob().null())
        .col(optional_number(Link::HeldUntil))
        .foreign_key(
            &mut ForeignKey::create()
                .from(Link::Table, Link::TenantId)
                .to(Tenant::Table, Tenant::Id)
                .on_delete(ForeignKeyAction::Cascade)
                .take(),
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
        manager.create_table(link()).await?;
        for (name, column) in [
            ("link_tenant_id", Link::TenantId.into_iden()),
            ("link_wanted_ref", Link::WantedRef.into_iden()),
            ("link_expires_at", Link::ExpiresAt.into_iden()),
        ] {
            manager
                .create_index(Index::create().name(name).table(Link::Table).col(column).take())
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Link::Table).take()).await
    }
}
