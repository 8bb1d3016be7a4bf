//! What was done, by whom and when: rows that are chained to each other, and beside them what may be
//! erased.
//!
//! Nothing here hangs on a tenant's row: it outlives the tenant.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// What the first row is chained to.
const GENESIS: &[u8; 32] = b"keypulse: the audit chain begins";

#[derive(DeriveIden)]
enum Audit {
    Table,
    Seq,
    At,
    Action,
    TenantId,
    Generation,
    ActorKind,
    ActorId,
    Outcome,
    Facts,
    DetailDigest,
    Mac,
}

#[derive(DeriveIden)]
enum AuditDetail {
    Table,
    Seq,
    Salt,
    Detail,
}

#[derive(DeriveIden)]
enum AuditHead {
    Table,
    Id,
    Seq,
    Mac,
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

fn bytes(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).blob().not_null().take()
}

fn audit() -> TableCreateStatement {
    Table::create()
        .table(Audit::Table)
        .col(number(Audit::Seq).primary_key())
        .col(number(Audit::At))
        .col(text(Audit::Action))
        .col(optional_number(Audit::TenantId))
        .col(optional_number(Audit::Generation))
        .col(text(Audit::ActorKind))
        .col(text(Audit::ActorId))
        .col(text(Audit::Outcome))
        .col(text(Audit::Facts))
        .col(ColumnDef::new(Audit::DetailDigest).blob().null())
        .col(bytes(Audit::Mac))
        .take()
}

fn audit_detail() -> TableCreateStatement {
    Table::create()
        .table(AuditDetail::Table)
        .col(number(AuditDetail::Seq).primary_key())
        .col(bytes(AuditDetail::Salt))
        .col(text(AuditDetail::Detail))
        .take()
}

/// One row.
fn audit_head() -> TableCreateStatement {
    Table::create()
        .table(AuditHead::Table)
        .col(number(AuditHead::Id).primary_key())
        .col(number(AuditHead::Seq))
        .col(bytes(AuditHead::Mac))
        .take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [audit(), audit_detail(), audit_head()] {
            manager.create_table(table).await?;
        }
        manager
            .create_index(
                Index::create()
                    .name("audit_tenant_id_seq")
                    .table(Audit::Table)
                    .col(Audit::TenantId)
                    .col(Audit::Seq)
                    .take(),
            )
            .await?;
        let head = Query::insert()
            .into_table(AuditHead::Table)
            .columns([AuditHead::Id, AuditHead::Seq, AuditHead::Mac])
            .values_panic([1.into(), 0.into(), GENESIS.to_vec().into()])
            .take();
        manager.execute(head).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            AuditHead::Table.into_iden(),
            AuditDetail::Table.into_iden(),
            Audit::Table.into_iden(),
        ];
        for table in tables {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
