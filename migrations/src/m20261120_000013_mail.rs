//! What mail needs beside the outbox: which addresses were refused, to whom a delivery went and when
//! its body was begun, that all of it is held, and modes that hold for tenants with a label.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Contact {
    Table,
    RefusedAt,
    RefusedWhy,
}

#[derive(DeriveIden)]
enum Delivery {
    Table,
    Contact,
    BegunAt,
}

#[derive(DeriveIden)]
enum TenantState {
    Table,
    TenantId,
    Status,
    ExpiresAt,
}

#[derive(DeriveIden)]
enum Notify {
    Table,
    HeldAt,
    HeldWhy,
}

#[derive(DeriveIden)]
enum NotifyLabel {
    Table,
    Label,
    Name,
    Value,
    Mode,
    Since,
}

fn maybe(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().null().take()
}

fn maybe_text(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).text().null().take()
}

fn text(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).text().not_null().take()
}

/// `label` is `name` or `name=value`, as people write it.
fn notify_label() -> TableCreateStatement {
    Table::create()
        .table(NotifyLabel::Table)
        .col(text(NotifyLabel::Label).primary_key())
        .col(text(NotifyLabel::Name))
        .col(maybe_text(NotifyLabel::Value))
        .col(text(NotifyLabel::Mode))
        .col(ColumnDef::new(NotifyLabel::Since).big_integer().not_null())
        .take()
}

/// Every column that is added, with its table. SQLite takes one column a statement.
fn added() -> [(DynIden, ColumnDef); 6] {
    [
        (Contact::Table.into_iden(), maybe(Contact::RefusedAt)),
        (Contact::Table.into_iden(), maybe_text(Contact::RefusedWhy)),
        (Delivery::Table.into_iden(), maybe(Delivery::Contact)),
        (Delivery::Table.into_iden(), maybe(Delivery::BegunAt)),
        (Notify::Table.into_iden(), maybe(Notify::HeldAt)),
        (Notify::Table.into_iden(), maybe_text(Notify::HeldWhy)),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, mut column) in added() {
            manager.alter_table(Table::alter().table(table).add_column(&mut column).take()).await?;
        }
        manager.create_table(notify_label()).await?;
        // How many bodies were begun within the last hour, among all that was ever sent.
        manager
            .create_index(
                Index::create()
                    .name("delivery_begun_at")
                    .table(Delivery::Table)
                    .col(Delivery::BegunAt)
                    .and_where(Expr::col(Delivery::BegunAt).is_not_null())
                    .take(),
            )
            .await?;
        // The few who are asked for something, and those whose key has an end, among all.
        let few = Expr::col(TenantState::Status).is_in(["needs_reconnection", "disabled"]);
        manager
            .create_index(
                Index::create()
                    .name("tenant_state_asks")
                    .table(TenantState::Table)
                    .col(TenantState::TenantId)
                    .and_where(few)
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("tenant_state_expires_at")
                    .table(TenantState::Table)
                    .col(TenantState::ExpiresAt)
                    .and_where(Expr::col(TenantState::ExpiresAt).is_not_null())
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table) in [
            ("delivery_begun_at", Delivery::Table.into_iden()),
            ("tenant_state_asks", TenantState::Table.into_iden()),
            ("tenant_state_expires_at", TenantState::Table.into_iden()),
        ] {
            let mut index = Index::drop();
            manager.drop_index(index.name(name).table(table).to_owned()).await?;
        }
        manager.drop_table(Table::drop().table(NotifyLabel::Table).take()).await?;
        for (table, column) in [
            (Contact::Table.into_iden(), Contact::RefusedAt.into_iden()),
            (Contact::Table.into_iden(), Contact::RefusedWhy.into_iden()),
            (Delivery::Table.into_iden(), Delivery::Contact.into_iden()),
            (Delivery::Table.into_iden(), Delivery::BegunAt.into_iden()),
            (Notify::Table.into_iden(), Notify::HeldAt.into_iden()),
            (Notify::Table.into_iden(), Notify::HeldWhy.into_iden()),
        ] {
            manager.alter_table(Table::alter().table(table).drop_column(column).take()).await?;
        }
        Ok(())
    }
}
