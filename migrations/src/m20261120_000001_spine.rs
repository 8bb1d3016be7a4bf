//! Tenants, their sealed keys apart from their hot state, episodes, owed messages, the keyring and
//! the budget. All times are microseconds since 1970-01-01 UTC.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum DataKey {
    Table,
    Role,
    Id,
    Wrapped,
    CreatedAt,
    RetiredAt,
}

#[derive(DeriveIden)]
enum Tenant {
    Table,
    Id,
    Ref,
    Name,
    CompanyId,
    ClientId,
    RequiredScopes,
    KeyKind,
    CreatedAt,
}

#[derive(DeriveIden)]
enum TenantKey {
    Table,
    TenantId,
    Generation,
    KeyId,
    Sealed,
    Fingerprint,
    Masked,
    CreatedAt,
}

#[derive(DeriveIden)]
enum TenantState {
    Table,
    TenantId,
    Version,
    Generation,
    Status,
    Cause,
    CauseDetail,
    Since,
    DoubtKind,
    DoubtDetail,
    DoubtCount,
    DoubtFirst,
    DoubtLast,
    RunWeather,
    RunCount,
    RunFirst,
    ReturningAt,
    PausedAt,
    PausedUntil,
    ExpiresAt,
    AcceptedAt,
    SilentSince,
    RecoveredAt,
    DestroyedAt,
    Episodes,
    DueAt,
    Lease,
    LeaseUntil,
}

#[derive(DeriveIden)]
enum Episode {
    Table,
    TenantId,
    Number,
    BeganAt,
    OpenedAt,
    ClosedAt,
    Outcome,
}

#[derive(DeriveIden)]
enum Message {
    Table,
    Id,
    TenantId,
    Episode,
    Audience,
    Stage,
    State,
    DedupKey,
    Body,
    OwedAt,
}

#[derive(DeriveIden)]
enum Budget {
    Table,
    Name,
    ArrivalAt,
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

fn bytes(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).blob().not_null().take()
}

fn key_of_tenant(table: impl IntoIden, column: impl IntoIden) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table.into_iden(), column.into_iden())
        .to(Tenant::Table, Tenant::Id)
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

fn data_key() -> TableCreateStatement {
    Table::create()
        .table(DataKey::Table)
        .col(text(DataKey::Role))
        .col(number(DataKey::Id))
        .col(bytes(DataKey::Wrapped))
        .col(number(DataKey::CreatedAt))
        .col(optional_number(DataKey::RetiredAt))
        .primary_key(Index::create().col(DataKey::Role).col(DataKey::Id))
        .take()
}

fn tenant() -> TableCreateStatement {
    Table::create()
        .table(Tenant::Table)
        .col(number(Tenant::Id).primary_key())
        .col(text(Tenant::Ref).unique_key())
        .col(text(Tenant::Name))
        .col(text(Tenant::CompanyId))
        .col(optional_text(Tenant::ClientId))
        .col(text(Tenant::RequiredScopes))
        .col(text(Tenant::KeyKind))
        .col(number(Tenant::CreatedAt))
        .take()
}

fn tenant_key() -> TableCreateStatement {
    Table::create()
        .table(TenantKey::Table)
        .col(number(TenantKey::TenantId).primary_key())
        .col(number(TenantKey::Generation))
        .col(number(TenantKey::KeyId))
        .col(bytes(TenantKey::Sealed))
        .col(bytes(TenantKey::Fingerprint).unique_key())
        .col(text(TenantKey::Masked))
        .col(number(TenantKey::CreatedAt))
        .foreign_key(&mut key_of_tenant(TenantKey::Table, TenantKey::TenantId))
        .take()
}

fn tenant_state() -> TableCreateStatement {
    Table::create()
        .table(TenantState::Table)
        .col(number(TenantState::TenantId).primary_key())
        .col(number(TenantState::Version))
        .col(number(TenantState::Generation))
        .col(text(TenantState::Status))
        .col(optional_text(TenantState::Cause))
        .col(optional_text(TenantState::CauseDetail))
        .col(number(TenantState::Since))
        .col(optional_text(TenantState::DoubtKind))
        .col(optional_text(TenantState::DoubtDetail))
        .col(optional_number(TenantState::DoubtCount))
        .col(optional_number(TenantState::DoubtFirst))
        .col(optional_number(TenantState::DoubtLast))
        .col(optional_text(TenantState::RunWeather))
        .col(optional_number(TenantState::RunCount))
        .col(optional_number(TenantState::RunFirst))
        .col(optional_number(TenantState::ReturningAt))
        .col(optional_number(TenantState::PausedAt))
        .col(optional_number(TenantState::PausedUntil))
        .col(optional_number(TenantState::ExpiresAt))
        .col(optional_number(TenantState::AcceptedAt))
        .col(optional_number(TenantState::SilentSince))
        .col(optional_number(TenantState::RecoveredAt))
        .col(optional_number(TenantState::DestroyedAt))
        .col(number(TenantState::Episodes))
        .col(optional_number(TenantState::DueAt))
        .col(optional_text(TenantState::Lease))
        .col(optional_number(TenantState::LeaseUntil))
        .foreign_key(&mut key_of_tenant(TenantState::Table, TenantState::TenantId))
        .take()
}

fn episode() -> TableCreateStatement {
    Table::create()
        .table(Episode::Table)
        .col(number(Episode::TenantId))
        .col(number(Episode::Number))
        .col(number(Episode::BeganAt))
        .col(number(Episode::OpenedAt))
        .col(optional_number(Episode::ClosedAt))
        .col(optional_text(Episode::Outcome))
        .primary_key(Index::create().col(Episode::TenantId).col(Episode::Number))
        .foreign_key(&mut key_of_tenant(Episode::Table, Episode::TenantId))
        .take()
}

fn message() -> TableCreateStatement {
    Table::create()
        .table(Message::Table)
        .col(text(Message::Id).primary_key())
        .col(number(Message::TenantId))
        .col(optional_number(Message::Episode))
        .col(text(Message::Audience))
        .col(text(Message::Stage))
        .col(text(Message::State))
        .col(text(Message::DedupKey).unique_key())
        .col(text(Message::Body))
        .col(number(Message::OwedAt))
        .foreign_key(&mut key_of_tenant(Message::Table, Message::TenantId))
        .take()
}

fn budget() -> TableCreateStatement {
    Table::create()
        .table(Budget::Table)
        .col(text(Budget::Name).primary_key())
        .col(number(Budget::ArrivalAt))
        .take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables =
            [data_key(), tenant(), tenant_key(), tenant_state(), episode(), message(), budget()];
        for table in tables {
            manager.create_table(table).await?;
        }
        manager
            .create_index(
                Index::create()
                    .name("tenant_state_due_at")
                    .table(TenantState::Table)
                    .col(TenantState::DueAt)
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("tenant_state_confirm")
                    .table(TenantState::Table)
                    .col(TenantState::DueAt)
                    .and_where(Expr::col(TenantState::DoubtKind).is_not_null())
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("message_tenant_id_episode")
                    .table(Message::Table)
                    .col(Message::TenantId)
                    .col(Message::Episode)
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            Budget::Table.into_iden(),
            Message::Table.into_iden(),
            Episode::Table.into_iden(),
            TenantState::Table.into_iden(),
            TenantKey::Table.into_iden(),
            Tenant::Table.into_iden(),
            DataKey::Table.into_iden(),
        ];
        for table in tables {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
