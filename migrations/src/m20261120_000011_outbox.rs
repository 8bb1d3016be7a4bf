//! The outbox: whether anything is sent, to which channels, what became of each message on each of
//! them, and which alerts stand.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Message {
    Table,
    Id,
    Audience,
    Stage,
    State,
    AcknowledgedAt,
}

#[derive(DeriveIden)]
enum Notify {
    Table,
    Id,
    Mode,
    Since,
}

#[derive(DeriveIden)]
enum Channel {
    Table,
    Name,
    Kind,
    Audience,
    Host,
    Active,
    FailingSince,
    OffAt,
    OffWhy,
}

#[derive(DeriveIden)]
enum Delivery {
    Table,
    MessageId,
    Channel,
    State,
    DueAt,
    Lease,
    LeaseUntil,
    Attempts,
    Fate,
    SettledAt,
}

#[derive(DeriveIden)]
enum Alert {
    Table,
    Name,
    StartedAt,
    EndedAt,
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

/// One row: what the installation sends, whoever of its processes decides.
fn notify() -> TableCreateStatement {
    Table::create()
        .table(Notify::Table)
        .col(number(Notify::Id).primary_key())
        .col(text(Notify::Mode))
        .col(number(Notify::Since))
        .take()
}

/// No address is kept: one may hold a token.
fn channel() -> TableCreateStatement {
    Table::create()
        .table(Channel::Table)
        .col(text(Channel::Name).primary_key())
        .col(text(Channel::Kind))
        .col(text(Channel::Audience))
        .col(text(Channel::Host))
        .col(number(Channel::Active))
        .col(maybe(Channel::FailingSince))
        .col(maybe(Channel::OffAt))
        .col(maybe_text(Channel::OffWhy))
        .take()
}

fn delivery() -> TableCreateStatement {
    Table::create()
        .table(Delivery::Table)
        .col(text(Delivery::MessageId))
        .col(text(Delivery::Channel))
        .col(text(Delivery::State))
        .col(number(Delivery::DueAt))
        .col(maybe_text(Delivery::Lease))
        .col(maybe(Delivery::LeaseUntil))
        .col(number(Delivery::Attempts))
        .col(maybe_text(Delivery::Fate))
        .col(maybe(Delivery::SettledAt))
        .primary_key(Index::create().col(Delivery::MessageId).col(Delivery::Channel))
        .foreign_key(
            ForeignKey::create()
                .from(Delivery::Table, Delivery::MessageId)
                .to(Message::Table, Message::Id)
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn alert() -> TableCreateStatement {
    Table::create()
        .table(Alert::Table)
        .col(text(Alert::Name).primary_key())
        .col(number(Alert::StartedAt))
        .col(maybe(Alert::EndedAt))
        .take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [notify(), channel(), delivery(), alert()] {
            manager.create_table(table).await?;
        }
        let column = &mut maybe(Message::AcknowledgedAt);
        manager.alter_table(Table::alter().table(Message::Table).add_column(column).take()).await?;
        // What a lane looks for every second, among all that was ever sent.
        let waiting = Expr::col(Delivery::State).is_in(["owed", "sending"]);
        manager
            .create_index(
                Index::create()
                    .name("delivery_waiting")
                    .table(Delivery::Table)
                    .col(Delivery::Channel)
                    .col(Delivery::DueAt)
                    .and_where(waiting)
                    .take(),
            )
            .await?;
        let open = Expr::col(Delivery::State).is_in(["owed", "sending", "dead", "unknown"]);
        manager
            .create_index(
                Index::create()
                    .name("delivery_open")
                    .table(Delivery::Table)
                    .col(Delivery::State)
                    .and_where(open)
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("message_audience_stage")
                    .table(Message::Table)
                    .col(Message::Audience)
                    .col(Message::Stage)
                    .col(Message::State)
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop();
        let index = index.name("message_audience_stage").table(Message::Table).to_owned();
        manager.drop_index(index).await?;
        let column = Message::AcknowledgedAt;
        manager
            .alter_table(Table::alter().table(Message::Table).drop_column(column).take())
            .await?;
        let tables = [
            Alert::Table.into_iden(),
            Delivery::Table.into_iden(),
            Channel::Table.into_iden(),
            Notify::Table.into_iden(),
        ];
        for table in tables {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
