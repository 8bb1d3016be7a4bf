//! The steps of the schema: which of them the database has, and whether this version can work on a
//! database that has further ones, which a newer version brought.

use std::collections::BTreeSet;
use std::time::Duration;

use migrations::Migrator;
use sea_orm::ConnectionTrait;
use sea_orm_migration::MigratorTrait;

use super::{Dialect, Store, StoreError};

/// How often the schema is brought up to date while another process is at it too.
const MOST_TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// This version.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// One step of the schema, and whether the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaStep {
    /// Its name.
    pub name: String,
    /// Whether it is applied.
    pub applied: bool,
}

/// A step that the database has and this version does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FurtherStep {
    /// Its name.
    pub name: String,
    /// The version that brought it, as far as the database says.
    pub brought_by: Option<String>,
    /// The oldest version that can still work on it.
    pub works_with: Option<String>,
}

impl FurtherStep {
    /// Whether a version can work on a database with this step. Where nobody says so, it cannot.
    pub fn works_with(&self, version: &str) -> bool {
        let oldest = self.works_with.as_deref().and_then(numbers);
        match (oldest, numbers(version)) {
            (Some(oldest), Some(version)) => oldest <= version,
            _ => false,
        }
    }

    fn refusal(&self) -> StoreError {
        StoreError::NewerSchema {
            step: self.name.clone(),
            needs: self.works_with.clone().or_else(|| self.brought_by.clone()),
        }
    }
}

/// The three numbers of a version. What stands behind them says how finished it is, not what it can.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let end = version.find(['-', '+']).unwrap_or(version.len());
    let mut parts = version[..end].split('.').map(|part| part.parse().ok());
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

impl Store {
    /// Every step of the schema that this version knows.
    pub async fn schema(&self) -> Result<Vec<SchemaStep>, StoreError> {
        let applied = self.applied_steps().await?;
        let steps = Migrator::migrations();
        let steps = steps.iter().map(|step| step.name().to_owned());
        Ok(steps.map(|name| SchemaStep { applied: applied.contains(&name), name }).collect())
    }

    /// The steps that the database has beyond those, in their order.
    pub async fn further_steps(&self) -> Result<Vec<FurtherStep>, StoreError> {
        let mut further = self.applied_steps().await?;
        for step in Migrator::migrations() {
            further.remove(step.name());
        }
        if further.is_empty() {
            return Ok(Vec::new());
        }
        let mut steps: Vec<_> = further
            .into_iter()
            .map(|name| FurtherStep { name, brought_by: None, works_with: None })
            .collect();
        if self.has_table("schema_step").await? {
            let sql = "SELECT name, brought_by, works_with FROM schema_step";
            for row in self.read.query_all_raw(self.statement(sql, [])).await? {
                let name: String = row.try_get("", "name")?;
                if let Some(step) = steps.iter_mut().find(|step| step.name == name) {
                    step.brought_by = Some(row.try_get("", "brought_by")?);
                    step.works_with = Some(row.try_get("", "works_with")?);
                }
            }
        }
        Ok(steps)
    }

    /// Says whether the schema is one that this version can work on.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        self.refuse_too_new().await?;
        if self.schema().await?.iter().all(|step| step.applied) {
            Ok(())
        } else {
            Err(StoreError::NeedsMigration)
        }
    }

    /// Applies all steps of the schema that are pending. Of several processes that begin together
    /// one applies them; the others find them applied.
    pub async fn migrate_up(&self) -> Result<(), StoreError> {
        let further = self.refuse_too_new().await?;
        if let Some(step) = further.first() {
            // A newer version applies what is older than its own steps before those.
            return match self.check_schema().await {
                Err(StoreError::NeedsMigration) => Err(step.refusal()),
                other => other,
            };
        }
        let mut tries = 1;
        loop {
            let Err(error) = Migrator::up(&self.write, None).await else { return Ok(()) };
            if self.check_schema().await.is_ok() {
                return Ok(());
            }
            // Another process may be between two steps: the next one is tried again.
            if tries == MOST_TRIES {
                return Err(error.into());
            }
            tries += 1;
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }

    /// Takes `steps` steps of the schema back. What they hold is lost. Further ones can be taken
    /// back only by a version that knows them.
    pub async fn migrate_down(&self, steps: u32) -> Result<(), StoreError> {
        if let Some(step) = self.further_steps().await?.last() {
            return Err(StoreError::NewerSchema {
                step: step.name.clone(),
                needs: step.brought_by.clone(),
            });
        }
        Ok(Migrator::down(&self.write, Some(steps)).await?)
    }

    /// Applies the first steps of the schema up to that number, and no more.
    pub(super) async fn migrate_to(&self, steps: usize) -> Result<(), StoreError> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        Ok(Migrator::up(&self.write, Some(steps)).await?)
    }

    /// The further steps, if this version can work with all of them.
    async fn refuse_too_new(&self) -> Result<Vec<FurtherStep>, StoreError> {
        let further = self.further_steps().await?;
        // Of several, the one that asks for the newest version.
        let refused = further.iter().filter(|step| !step.works_with(OWN));
        match refused.max_by_key(|step| step.works_with.as_deref().and_then(numbers)) {
            Some(step) => Err(step.refusal()),
            None => Ok(further),
        }
    }

    async fn applied_steps(&self) -> Result<BTreeSet<String>, StoreError> {
        if !self.has_table("schema_migration").await? {
            return Ok(BTreeSet::new());
        }
        let sql = "SELECT version FROM schema_migration";
        let rows = self.read.query_all_raw(self.statement(sql, [])).await?;
        rows.iter().map(|row| Ok(row.try_get("", "version")?)).collect()
    }

    pub(super) async fn has_table(&self, name: &str) -> Result<bool, StoreError> {
        let sql = match self.dialect {
            Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1",
            Dialect::Postgres => {
                "SELECT table_name FROM information_schema.tables \
                 WHERE table_schema = current_schema() AND table_name = $1"
            }
        };
        Ok(self.read.query_one_raw(self.statement(sql, [name.into()])).await?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(works_with: &str) -> FurtherStep {
        let (name, works_with) = ("m1".to_owned(), Some(works_with.to_owned()));
        FurtherStep { name, brought_by: Some("9.9.9".to_owned()), works_with }
    }

    #[test]
    fn a_version_works_with_a_step_that_asks_for_it_or_an_older_one() {
        for oldest in ["0.1.0", "0.2.9", "0.3.0", "0.3.0-dev"] {
            assert!(step(oldest).works_with("0.3.0-dev"), "{oldest}");
        }
        for newer in ["0.3.1", "0.10.0", "1.0.0"] {
            assert!(!step(newer).works_with("0.3.0"), "{newer}");
        }
    }

    #[test]
    fn where_nobody_says_what_a_step_works_with_nobody_works_with_it() {
        for unclear in ["", "1", "1.0", "1.0.0.0", "soon", "-1.0.0"] {
            assert!(!step(unclear).works_with("9.9.9"), "{unclear:?}");
        }
        assert!(!FurtherStep { works_with: None, ..step("") }.works_with("9.9.9"));
    }
}
