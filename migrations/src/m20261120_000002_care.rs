//! Whom to write to about a tenant, in which language and at which hours, and the labels by which
//! operators find it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Tenant {
    Table,
    Id,
    Locale,
    TimeZone,
}

#[derive(DeriveIden)]
enum Contact {
    Table,
    TenantId,
    Ordinal,
    Address,
    Role,
}

#[derive(DeriveIden)]
enum Label {
    Table,
    TenantId,
    Name,
    Value,
}

fn number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

fn text(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).text().not_null().take()
}

fn key_of_tenant(table: impl IntoIden, column: impl IntoIden) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table.into_iden(), column.into_iden())
        .to(Tenant::Table, Tenant::Id)
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

fn contact() -> TableCreateStatement {
    Table::create()
        .table(Contact::Table)
        .col(number(Contact::TenantId))
        .col(number(Contact::Ordinal))
        .col(text(Contact::Address))
        .col(text(Contact::Role))
        .primary_key(Index::create().col(Contact::TenantId).col(Contact::Ordinal))
        .foreign_key(&mut key_of_tenant(Contact::Table, Contact::TenantId))
        .take()
}

/// A label without a value has the empty one.
fn label() -> TableCreateStatement {
    Table::create()
        .table(Label::Table)
        .col(number(Label::TenantId))
        .col(text(Label::Name))
        .col(text(Label::Value))
        .primary_key(Index::create().col(Label::TenantId).col(Label::Name))
        .foreign_key(&mut key_of_tenant(Label::Table, Label::TenantId))
        .take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite takes one column a statement.
        for column in [Tenant::Locale.into_iden(), Tenant::TimeZone.into_iden()] {
            let column = &mut ColumnDef::new(column).text().null().take();
            manager
                .alter_table(Table::alter().table(Tenant::Table).add_column(column).take())
                .await?;
        }
        manager.create_table(contact()).await?;
        manager.create_table(label()).await?;
        manager
            .create_index(
                Index::create()
                    .name("label_name_value")
                    .table(Label::Table)
                    .col(Label::Name)
                    .col(Label::Value)
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [Label::Table.into_iden(), Contact::Table.into_iden()] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        for column in [Tenant::TimeZone.into_iden(), Tenant::Locale.into_iden()] {
            manager
                .alter_table(Table::alter().table(Tenant::Table).drop_column(column).take())
                .await?;
        }
        Ok(())
    }
}
