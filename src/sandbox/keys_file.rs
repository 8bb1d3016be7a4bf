//! The keys on paper, for whoever takes tenants into a daemon under test.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::key::KeyKind;
use super::world::World;

/// One line of the file.
#[derive(Serialize)]
struct Line<'a> {
    r#ref: &'a str,
    name: &'a str,
    company_id: &'a str,
    key: &'a str,
    kind: KeyKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
}

/// Writes every tenant's key to a new file that only its owner can read. A file that exists is left
/// alone; one that could not be finished is removed.
pub(super) fn write(world: &World, path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    fill(world, file).inspect_err(|_| {
        let _removed = std::fs::remove_file(path);
    })
}

fn fill(world: &World, file: File) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    for tenant in (1..=world.tenants()).filter_map(|number| world.tenant(number)) {
        let line = Line {
            r#ref: tenant.reference.as_str(),
            name: &tenant.company_name,
            company_id: &tenant.company_id,
            key: tenant.key().expose(),
            kind: tenant.kind,
            expires_at: tenant.expires_at,
        };
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    out.into_inner()?.sync_all()
}
