//! What is known of a tenant and changes seldom.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    #[sea_orm(unique)]
    pub r#ref: String,
    pub name: String,
    pub company_id: String,
    pub client_id: Option<String>,
    pub required_scopes: String,
    pub key_kind: String,
    pub created_at: i64,
    pub locale: Option<String>,
    pub time_zone: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
