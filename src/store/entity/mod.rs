//! The cold tables, one file each. They never leave the store.

pub mod data_key;
pub mod tenant;
pub mod tenant_key;
