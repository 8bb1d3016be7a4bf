//! A tenant's sealed key, apart from everything that changes with every check.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i64,
    pub generation: i64,
    pub key_id: i64,
    pub sealed: Vec<u8>,
    #[sea_orm(unique)]
    pub fingerprint: Vec<u8>,
    pub masked: String,
    pub created_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
